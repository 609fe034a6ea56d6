using System.Buffers;

namespace MemLoad;

/// <summary>
/// Which names are refused for the characters in them: those of Unicode's category Cc, as <see cref="char.IsControl(char)"/> has them.
/// </summary>
internal static class ControlCharacters
{
    private static readonly SearchValues<char> All = SearchValues.Create([
        .. Enumerable.Range(0, 0xA0).Select(code => (char)code).Where(char.IsControl),
    ]);
    private static readonly SearchValues<char> AllExceptTab = SearchValues.Create([
        .. Enumerable.Range(0, 0xA0).Select(code => (char)code).Where(c => char.IsControl(c) && c != '\t'),
    ]);

    /// <summary>Whether the name of a tensor has one. A tab is let through, as PyTorch and safetensors do.</summary>
    public static bool AreInTensorName(ReadOnlySpan<char> name) => name.ContainsAny(AllExceptTab);

    /// <summary>Whether the name of a file or of a record has one.</summary>
    public static bool AreInFileName(ReadOnlySpan<char> name) => name.ContainsAny(All);
}
