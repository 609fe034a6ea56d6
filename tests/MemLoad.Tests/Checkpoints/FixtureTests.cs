using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;

namespace MemLoad.Tests.Checkpoints;

public sealed class FixtureTests
{
    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Every_tensor_is_what_PyTorch_loads(string name)
    {
        JsonElement expected = Fixtures.Expected(name);

        var checkpoint = Checkpoint.Open(Fixtures.PathOf(name));

        Assert.Equal(
            expected.GetProperty("tensors").EnumerateArray().Select(Line).Order(StringComparer.Ordinal),
            checkpoint.Tensors.Select(tensor => Line(checkpoint, tensor)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Tensors_that_share_a_storage_in_PyTorch_share_one_here(string name)
    {
        JsonElement[] expected = [.. Fixtures.Expected(name).GetProperty("tensors").EnumerateArray()];
        var checkpoint = Checkpoint.Open(Fixtures.PathOf(name));
        var storageOf = checkpoint.Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Storage);
        foreach (JsonElement a in expected)
        {
            foreach (JsonElement b in expected.Take(50))
            {
                bool together = a.GetProperty("storage_id").GetInt64() == b.GetProperty("storage_id").GetInt64();
                Assert.Equal(together, storageOf[a.GetProperty("name").GetString()!] == storageOf[b.GetProperty("name").GetString()!]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Entries_that_are_not_tensors_are_metadata(string name)
    {
        var checkpoint = Checkpoint.Open(Fixtures.PathOf(name));
        if (checkpoint.Format is not (CheckpointFormat.TorchZip or CheckpointFormat.TorchLegacy))
        {
            return; // other formats have separate metadata, which PyTorch does not show
        }
        var expected = Fixtures.Expected(name).GetProperty("non_tensors").EnumerateObject().ToDictionary(p => p.Name, p => Text(p.Value));
        Assert.Equal(
            expected.OrderBy(p => p.Key, StringComparer.Ordinal),
            checkpoint.Metadata.ToDictionary(p => p.Key, p => Text(p.Value)).OrderBy(p => p.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void A_pickled_module_is_refused_in_one_sentence_with_the_remedy()
    {
        var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(Fixtures.PathOf("tiny/whole_module.pth")));

        Assert.Equal("ML3004", refusal.Rule.Id);
        Assert.Contains("torch.load(path, weights_only=False); torch.save(c.state_dict(), new)", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Only if you trust the file", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    private static string Line(JsonElement tensor) => string.Join('\t',
        tensor.GetProperty("name").GetString(),
        tensor.GetProperty("dtype").GetString(),
        string.Join(',', tensor.GetProperty("shape").EnumerateArray()),
        string.Join(',', tensor.GetProperty("stride").EnumerateArray()),
        tensor.GetProperty("sha256").GetString());

    private static string Line(Checkpoint checkpoint, TensorEntry tensor)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        checkpoint.StreamElements(tensor, hash.AppendData);
        return string.Join(
            '\t',
            tensor.Name,
            tensor.DType.TorchName(),
            string.Join(',', tensor.Shape),
            string.Join(',', tensor.Strides),
            Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private static string Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.String => $"text {value.GetString()}",
        JsonValueKind.Number when value.GetRawText().AsSpan().ContainsAny('.', 'e', 'E') => $"double {value.GetDouble():R}",
        JsonValueKind.Number => $"integer {value.GetRawText()}",
        _ => value.GetBoolean() ? "true" : "false",
    };

    private static string Text(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        double number when !double.IsFinite(number) => $"text {(double.IsNaN(number) ? "nan" : number > 0 ? "inf" : "-inf")}",
        double number => $"double {number:R}",
        long or BigInteger => $"integer {Convert.ToString(value, CultureInfo.InvariantCulture)}",
        _ => $"text {value}",
    };
}
