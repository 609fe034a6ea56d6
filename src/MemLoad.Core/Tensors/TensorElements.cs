using System.Buffers;
using System.Buffers.Binary;

namespace MemLoad;

/// <summary>Receives one piece of the elements of a tensor. Pieces come in order. The span is valid only during the call.</summary>
public delegate void ElementSink(ReadOnlySpan<byte> elements);

/// <summary>
/// Streams the elements of tensors in the layout of <c>contiguous()</c> in PyTorch: row-major and little-endian, after lazy operations.
/// </summary>
internal static class TensorElements
{
    private const int PieceBytes = 1 << 20;

    /// <summary>
    /// Streams a tensor from memory that holds its storage at an offset in bytes. The sink receives at most 1 MiB at a time. The elements
    /// are valid after the method has returned.
    /// </summary>
    /// <remarks>The memory is held during the call. A dispose on another thread does not free it before the end of the call.</remarks>
    /// <exception cref="MemLoadException">ML1006: the memory is a mapped file, and the file changed during the call.</exception>
    /// <exception cref="ObjectDisposedException">The memory was freed before.</exception>
    public static void Stream(TensorEntry tensor, MemoryBuffer memory, long storageOffset, ElementSink sink)
    {
        memory.AddReference();
        try
        {
            StreamUnchecked(tensor, memory, storageOffset, sink);
            memory.RequireIntact();
        }
        finally
        {
            memory.Release();
        }
    }

    private static unsafe void StreamUnchecked(TensorEntry tensor, MemoryBuffer memory, long storageOffset, ElementSink sink)
    {
        if (tensor.ElementCount == 0)
        {
            return;
        }
        long start = checked(storageOffset + tensor.ByteOffset);
        if (!tensor.IsContiguous)
        {
            using HostView view = memory.MapForHost();
            Gather(tensor, (byte*)view.Address + start, sink);
            return;
        }
        if (memory.Address != 0)
        {
            for (long done = 0; done < tensor.Bytes; done += PieceBytes)
            {
                sink(new ReadOnlySpan<byte>((byte*)memory.Address + start + done, (int)Math.Min(PieceBytes, tensor.Bytes - done)));
            }
            return;
        }
        byte[] piece = ArrayPool<byte>.Shared.Rent((int)Math.Min(PieceBytes, tensor.Bytes));
        try
        {
            for (long done = 0; done < tensor.Bytes;)
            {
                Span<byte> part = piece.AsSpan(0, (int)Math.Min(Math.Min(PieceBytes, piece.Length), tensor.Bytes - done));
                memory.Read(start + done, part);
                sink(part);
                done += part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private static unsafe void Gather(TensorEntry tensor, byte* origin, ElementSink sink)
    {
        int size = tensor.DType.ElementSize();
        ImmutableArray<long> shape = tensor.Shape;
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            Span<long> index = shape.Length <= 16 ? stackalloc long[shape.Length] : new long[shape.Length];
            index.Clear();
            long element = 0; // offset of the current element in elements
            int filled = 0;
            int capacity = PieceBytes / size * size;
            while (true)
            {
                new ReadOnlySpan<byte>(origin + (element * size), size).CopyTo(piece.AsSpan(filled));
                filled += size;
                if (filled == capacity)
                {
                    Flush(tensor, piece.AsSpan(0, filled), sink);
                    filled = 0;
                }
                int d = shape.Length - 1;
                for (; d >= 0; d--)
                {
                    element += tensor.Strides[d];
                    if (++index[d] < shape[d])
                    {
                        break;
                    }
                    element -= tensor.Strides[d] * shape[d];
                    index[d] = 0;
                }
                if (d < 0)
                {
                    break;
                }
            }
            Flush(tensor, piece.AsSpan(0, filled), sink);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private static void Flush(TensorEntry tensor, Span<byte> elements, ElementSink sink)
    {
        if (elements.IsEmpty)
        {
            return;
        }
        // Only sign bits change. The result is exact for every floating-point type, NaN and zero included.
        if (tensor.LazyView.HasFlag(LazyView.Negative))
        {
            Negate(tensor.DType, elements, firstHalf: true);
        }
        if (tensor.DType.IsComplex() && (tensor.LazyView is LazyView.Conjugate or LazyView.Negative))
        {
            Negate(tensor.DType, elements, firstHalf: false);
        }
        sink(elements);
    }

    private static void Negate(DType dtype, Span<byte> elements, bool firstHalf)
    {
        int size = dtype.ElementSize();
        int half = dtype.IsComplex() ? size / 2 : size;
        int at = dtype.IsComplex() && !firstHalf ? half : 0;
        for (int i = at; i < elements.Length; i += size)
        {
            Span<byte> number = elements.Slice(i, half);
            switch (dtype)
            {
                case DType.Int8 or DType.UInt8:
                    number[0] = (byte)-number[0];
                    break;
                case DType.Int16 or DType.UInt16:
                    BinaryPrimitives.WriteInt16LittleEndian(number, (short)-BinaryPrimitives.ReadInt16LittleEndian(number));
                    break;
                case DType.Int32 or DType.UInt32:
                    BinaryPrimitives.WriteInt32LittleEndian(number, -BinaryPrimitives.ReadInt32LittleEndian(number));
                    break;
                case DType.Int64 or DType.UInt64:
                    BinaryPrimitives.WriteInt64LittleEndian(number, -BinaryPrimitives.ReadInt64LittleEndian(number));
                    break;
                default:
                    number[^1] ^= 0x80;
                    break;
            }
        }
    }
}
