namespace MemLoad;

/// <summary>
/// The memo of a pickle: values by number. Python numbers them from 0, so they are in an array. A number far above their count is in a
/// dictionary. The memory and the time therefore do not depend on the numbers.
/// </summary>
internal sealed class PickleMemo(FileBudget budget)
{
    private const int FreeGap = 256;
    private static readonly object Unset = new();

    private object?[] _dense = [];
    private Dictionary<uint, object?>? _sparse;

    /// <summary>The number of values.</summary>
    public int Count { get; private set; }

    /// <summary>Stores a value under a number. A later value replaces an earlier one.</summary>
    public void Put(uint index, object? value)
    {
        if (index >= _dense.Length && index <= (2L * Count) + FreeGap)
        {
            Grow(index);
        }
        if (index < _dense.Length)
        {
            bool known = _dense[index] != Unset || _sparse?.Remove(index) == true;
            _dense[index] = value;
            Count += known ? 0 : 1;
            return;
        }
        budget.Spend(FileBudget.GrowingEntry);
        _sparse ??= new Dictionary<uint, object?>(SeededNumbers.Comparer);
        Count += _sparse.ContainsKey(index) ? 0 : 1;
        _sparse[index] = value;
    }

    /// <summary>Finds a value.</summary>
    public bool TryGet(uint index, out object? value)
    {
        if (index < _dense.Length && _dense[index] != Unset)
        {
            value = _dense[index];
            return true;
        }
        value = null;
        return _sparse?.TryGetValue(index, out value) == true;
    }

    private void Grow(uint index)
    {
        int old = _dense.Length;
        int length = checked((int)Math.Max(index + 1L, 2L * old));
        budget.Spend((long)sizeof(long) * length);
        Array.Resize(ref _dense, length);
        _dense.AsSpan(old).Fill(Unset);
    }
}
