using System.Numerics;

namespace MemLoad;

/// <summary>
/// Names that are numbers. PyTorch numbers the storages of a file from 0, so most of their names are found in an array by their number.
/// </summary>
internal static class WholeNumber
{
    private const int MostDigits = 9; // for which no number overflows

    /// <summary>Returns the number that a name is, without leading zeros; -1 if it is none below the limit.</summary>
    /// <param name="name">The name, in UTF-16 or UTF-8.</param>
    /// <param name="limit">The limit, at most a billion.</param>
    public static int Of<T>(ReadOnlySpan<T> name, int limit)
        where T : unmanaged, IBinaryInteger<T>
    {
        if (name.Length is 0 or > MostDigits || (name.Length > 1 && int.CreateTruncating(name[0]) == '0'))
        {
            return -1;
        }
        int number = 0;
        foreach (T character in name)
        {
            int digit = int.CreateTruncating(character) - '0';
            if (digit is < 0 or > 9)
            {
                return -1;
            }
            number = (10 * number) + digit;
        }
        return number < limit ? number : -1;
    }
}
