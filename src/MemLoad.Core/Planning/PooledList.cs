using System.Buffers;

namespace MemLoad;

/// <summary>
/// A list in pooled memory. Plans for a hundred thousand tensors are written many times. New arrays of megabytes each time would cost more
/// in garbage collection than the planning itself.
/// </summary>
internal sealed class PooledList<T> : IDisposable
    where T : unmanaged
{
    private T[] _items = [];

    /// <summary>The number of items.</summary>
    public int Count { get; private set; }

    /// <summary>A reference to an item.</summary>
    public ref T this[int index] => ref _items.AsSpan(0, Count)[index];

    /// <summary>Adds an item.</summary>
    public void Add(T item)
    {
        Reserve(Count + 1);
        _items[Count++] = item;
    }

    /// <summary>Makes the list at least as long as the given length. New items have the default value.</summary>
    public void Extend(int count)
    {
        if (count > Count)
        {
            Reserve(count);
            _items.AsSpan(Count, count - Count).Clear();
            Count = count;
        }
    }

    /// <summary>Returns a copy that belongs to the caller.</summary>
    public T[] ToArray() => _items.AsSpan(0, Count).ToArray();

    /// <summary>Returns the memory to the pool.</summary>
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
