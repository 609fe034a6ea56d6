using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace MemLoad.Tests.Checkpoints;

/// <summary>Makes checkpoints byte by byte, sound and unsound.</summary>
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
    public static MemLoadException Refusal(string path) => Refusal(() => Checkpoint.Open(path));

    /// <summary>The refusal that reading must end in, likewise.</summary>
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

    /// <summary>The tensors that another reader has found, a line each, in order of their names.</summary>
    /// <param name="path">Its file, such as <c>x.pth.expected.json</c>.</param>
    public static string[] StatedTensors(string path) =>
    [
        .. JsonDocument.Parse(File.ReadAllText(path)).RootElement.GetProperty("tensors").EnumerateArray()
            .Select(tensor => string.Join('|', tensor.GetProperty("name").GetString(), tensor.GetProperty("dtype").GetString(),
                string.Join(',', tensor.GetProperty("shape").EnumerateArray()), tensor.GetProperty("sha256").GetString()))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The tensors of a checkpoint, as <see cref="StatedTensors"/> lists those of another reader.</summary>
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
