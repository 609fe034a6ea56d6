namespace MemLoad;

/// <summary>
/// Compares numbers out of files that are keys of a table. .NET hashes a number to itself, so that a file could choose numbers which all fall into one
/// bucket and cost the square of their count; here the hash depends on a seed that each process draws anew.
/// </summary>
internal sealed class SeededNumbers : IEqualityComparer<uint>, IEqualityComparer<int>
{
    private SeededNumbers()
    {
    }

    /// <summary>The one there is.</summary>
    public static SeededNumbers Comparer { get; } = new();

    /// <inheritdoc/>
    public bool Equals(uint x, uint y) => x == y;

    /// <inheritdoc/>
    public bool Equals(int x, int y) => x == y;

    /// <inheritdoc/>
    public int GetHashCode(uint obj) => HashCode.Combine(obj);

    /// <inheritdoc/>
    public int GetHashCode(int obj) => HashCode.Combine(obj);
}
