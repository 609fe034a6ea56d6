using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace MemLoad.Tests.Checkpoints;

/// <summary>Creates checkpoints byte by byte, both sound and malformed.</summary>
internal static class CheckpointKit
{
    /// <summary>Returns a safetensors file: the length of the header, the header, and data with increasing bytes.</summary>
    public static byte[] Safetensors(byte[] header, int dataBytes = 0) =>
        [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. Enumerable.Range(0, dataBytes).Select(i => (byte)i)];

    public static byte[] Safetensors(string header, int dataBytes = 0) => Safetensors(Encoding.UTF8.GetBytes(header), dataBytes);

    /// <summary>Returns a safetensors file of consecutive one-dimensional U8 tensors.</summary>
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

    /// <summary>Returns the refusal that opening must give: one line, about a file, at a byte inside it.</summary>
    public static MemLoadException Refusal(string path) => Refusal(() => Checkpoint.Open(path));

    /// <summary>Returns the refusal that reading must give, in the same form.</summary>
    public static MemLoadException Refusal(Action read)
    {
        var refusal = Assert.Throws<MemLoadException>(read);
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

    /// <summary>Returns the tensors that another reader has found, with one line per tensor, in the order of their names.</summary>
    /// <param name="path">The file of that reader, such as <c>x.pth.expected.json</c>.</param>
    public static string[] StatedTensors(string path) =>
    [
        .. JsonDocument.Parse(File.ReadAllText(path)).RootElement.GetProperty("tensors").EnumerateArray()
            .Select(tensor => string.Join('|', tensor.GetProperty("name").GetString(), tensor.GetProperty("dtype").GetString(),
                string.Join(',', tensor.GetProperty("shape").EnumerateArray()), tensor.GetProperty("sha256").GetString()))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Returns the tensors of a checkpoint in the form of <see cref="StatedTensors"/>.</summary>
    public static string[] ReadTensors(Checkpoint checkpoint) =>
    [
        .. checkpoint.Tensors
            .Select(tensor => string.Join(
                '|', tensor.Name, tensor.DType.TorchName(), string.Join(',', tensor.Shape), Digest(checkpoint, tensor)))
            .Order(StringComparer.Ordinal),
    ];

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
