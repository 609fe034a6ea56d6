namespace MemLoad;

/// <summary>Finds ranges by their starts.</summary>
internal static class SortedStarts
{
    /// <summary>
    /// Returns the index of the highest start that is not above an offset; 0 if all starts are above it. There is at least one start, and
    /// starts are in ascending order.
    /// </summary>
    public static int LastNotAbove(int count, Func<int, long> startAt, long offset)
    {
        int low = 0;
        int high = count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = startAt(middle) <= offset ? (middle, high) : (low, middle - 1);
        }
        return low;
    }
}
