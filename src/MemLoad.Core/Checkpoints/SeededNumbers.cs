namespace MemLoad;

/// <summary>
/// Compares numbers from files that are keys of a hash table. In .NET, the hash of a number is the number itself. A file could therefore
/// select numbers that share one bucket. The cost would be quadratic. Here the hash depends on a random seed per process.
/// </summary>
internal sealed class SeededNumbers : IEqualityComparer<uint>, IEqualityComparer<int>
{
    private SeededNumbers()
    {
    }

    /// <summary>The only instance.</summary>
    public static SeededNumbers Comparer { get; } = new();

    public bool Equals(uint x, uint y) => x == y;

    public bool Equals(int x, int y) => x == y;

    public int GetHashCode(uint obj) => HashCode.Combine(obj);

    public int GetHashCode(int obj) => HashCode.Combine(obj);
}
