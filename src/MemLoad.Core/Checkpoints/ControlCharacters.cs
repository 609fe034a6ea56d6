using System.Buffers;

namespace MemLoad;

/// <summary>
/// Finds the characters for which names are refused: those of Unicode's category Cc, as in <see cref="char.IsControl(char)"/>.
/// </summary>
internal static class ControlCharacters
{
    private static readonly SearchValues<char> All = Without(null);
    private static readonly SearchValues<char> AllExceptTab = Without('\t');

    /// <summary>Whether the name of a tensor has such a character. A tab is accepted, as in PyTorch and safetensors.</summary>
    public static bool AreInTensorName(ReadOnlySpan<char> name) => name.ContainsAny(AllExceptTab);

    /// <summary>Whether the name of a file or of a record has such a character.</summary>
    public static bool AreInFileName(ReadOnlySpan<char> name) => name.ContainsAny(All);

    private static SearchValues<char> Without(char? exception)
    {
        Span<char> found = stackalloc char[0xA0];
        int count = 0;
        for (char c = '\0'; c < found.Length; c++)
        {
            if (char.IsControl(c) && c != exception)
            {
                found[count++] = c;
            }
        }
        return SearchValues.Create(found[..count]);
    }
}
