namespace MemLoad;

/// <summary>The median and the range of several runs. All values are null if no run has a figure.</summary>
internal readonly record struct Spread(long? Least, long? Median, long? Most)
{
    /// <summary>
    /// Computes the values of the known figures. The median of an even number of figures is the mean of the two in the middle.
    /// </summary>
    public static Spread Of(IEnumerable<long?> figures)
    {
        long[] known = [.. figures.OfType<long>().Order()];
        return known.Length == 0 ? default : new(known[0], Mean(known[(known.Length - 1) / 2], known[known.Length / 2]), known[^1]);
    }

    private static long Mean(long low, long high) => (long)(((Int128)low + high) / 2);
}
