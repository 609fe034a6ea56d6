using System.Security.Cryptography;
using System.Text;

namespace MemLoad.Tests.Checkpoints;

/// <summary>A folder of its own, gone with the test.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("memload-test-").FullName;

    /// <summary>Writes a file and gives its path.</summary>
    public string Write(string name, byte[] content)
    {
        string path = System.IO.Path.Combine(Path, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    public string Write(string name, string content) => Write(name, Encoding.UTF8.GetBytes(content));

    public string CopyFixture(string fixture, string name) => Write(name, File.ReadAllBytes(Fixtures.PathOf(fixture)));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

internal static class CheckpointKit
{
    /// <summary>A safetensors file: the length of the header, the header, and data whose bytes count up.</summary>
    public static byte[] Safetensors(byte[] header, int dataBytes = 0) =>
        [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. Enumerable.Range(0, dataBytes).Select(i => (byte)i)];

    public static byte[] Safetensors(string header, int dataBytes = 0) => Safetensors(Encoding.UTF8.GetBytes(header), dataBytes);

    /// <summary>A safetensors file of one-dimensional U8 tensors, one after the other.</summary>
    public static byte[] SafetensorsOfBytes(params (string Name, int Length)[] tensors)
    {
        int end = 0;
        var entries = new List<string>();
        foreach ((string name, int length) in tensors)
        {
            entries.Add($"\"{name}\":{{\"dtype\":\"U8\",\"shape\":[{length}],\"data_offsets\":[{end},{end += length}]}}");
        }
        return Safetensors($"{{{string.Join(',', entries)}}}", end);
    }

    /// <summary>The refusal that opening must end in: one line, about a file, at a byte inside it.</summary>
    public static MemLoadException Refusal(string path)
    {
        var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(path));
        Assert.NotNull(refusal.Path);
        Assert.DoesNotContain('\n', refusal.Message);
        Assert.DoesNotContain(refusal.Message, char.IsControl);
        Assert.InRange(refusal.Message.Length, 1, 700 + refusal.Path.Length);
        if (refusal.Offset is long offset)
        {
            Assert.InRange(offset, 0, new FileInfo(refusal.Path).Length);
        }
        return refusal;
    }

    public static string Digest(Checkpoint checkpoint, TensorEntry tensor)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        checkpoint.StreamElements(tensor, hash.AppendData);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public static byte[] Elements(Checkpoint checkpoint, string name)
    {
        using var bytes = new MemoryStream();
        checkpoint.StreamElements(checkpoint.Tensors.Single(tensor => tensor.Name == name), bytes.Write);
        return bytes.ToArray();
    }
}
