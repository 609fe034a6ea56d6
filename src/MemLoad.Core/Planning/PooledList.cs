using System.Buffers;

namespace MemLoad;

/// <summary>
/// A list in borrowed memory. Plans for a hundred thousand tensors are written many times over; arrays of megabytes made anew each time would
/// keep the garbage collector busier than the planner.
/// </summary>
internal sealed class PooledList<T> : IDisposable
    where T : unmanaged
{
    private T[] _items = [];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>One of them, to read or to change.</summary>
    public ref T this[int index] => ref _items.AsSpan(0, Count)[index];

    /// <summary>Adds one.</summary>
    public void Add(T item)
    {
        Reserve(Count + 1);
        _items[Count++] = item;
    }

    /// <summary>Makes the list at least so long; what is new has the default value.</summary>
    public void Extend(int count)
    {
        if (count > Count)
        {
            Reserve(count);
            _items.AsSpan(Count, count - Count).Clear();
            Count = count;
        }
    }

    /// <summary>A copy that is nobody's but the caller's.</summary>
    public T[] ToArray() => _items.AsSpan(0, Count).ToArray();

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        Return();
        _items = [];
        Count = 0;
    }

    private void Reserve(int count)
    {
        if (count > _items.Length)
        {
            T[] larger = ArrayPool<T>.Shared.Rent(Math.Max(count, checked(_items.Length * 2)));
            _items.AsSpan(0, Count).CopyTo(larger);
            Return();
            _items = larger;
        }
    }

    private void Return()
    {
        if (_items.Length > 0)
        {
            ArrayPool<T>.Shared.Return(_items);
        }
    }
}
