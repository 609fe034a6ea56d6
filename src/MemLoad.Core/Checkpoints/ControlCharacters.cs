using System.Buffers;

namespace MemLoad;

/// <summary>
/// Which names are refused for the characters in them: those of Unicode's category Cc, as <see cref="char.IsControl(char)"/> has them.
/// </summary>
internal static class ControlCharacters
{
    private static readonly SearchValues<char> All = Without(null);
    private static readonly SearchValues<char> AllExceptTab = Without('\t');

    /// <summary>Whether the name of a tensor has one. A tab is let through, as PyTorch and safetensors do.</summary>
    public static bool AreInTensorName(ReadOnlySpan<char> name) => name.ContainsAny(AllExceptTab);

    /// <summary>Whether the name of a file or of a record has one.</summary>
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
