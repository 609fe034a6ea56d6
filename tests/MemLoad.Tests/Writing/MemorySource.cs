using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MemLoad.Tests.Writing;

/// <summary>Weights in memory, delivered in pieces of uneven length.</summary>
internal sealed class MemorySource : IWeightSource
{
    private readonly List<PinnedMemory> _storages = [];
    private readonly List<TensorEntry> _tensors = [];
    private readonly Random _random = new(7);

    private ImmutableArray<TensorEntry> _finished = [];

    public ImmutableArray<TensorEntry> Tensors => _finished.Length == _tensors.Count ? _finished : _finished = [.. _tensors];

    public ImmutableArray<long> StorageLengths => [.. _storages.Select(storage => storage.Length)];

    /// <summary>Every dtype that PyTorch 2.6 can save.</summary>
    public static IEnumerable<DType> SavableDTypes =>
        Enum.GetValues<DType>().Where(dtype => dtype < DType.Bits8 && dtype != DType.Float8E8M0FNU);

    public int AddStorage(long bytes, bool isBool = false)
    {
        byte[] content = GC.AllocateUninitializedArray<byte>((int)bytes, pinned: true);
        _random.NextBytes(content);
        for (int i = 0; isBool && i < content.Length; i++)
        {
            content[i] &= 1;
        }
        _storages.Add(new PinnedMemory(content));
        return _storages.Count - 1;
    }

    public int AddStorage(ReadOnlySpan<byte> content)
    {
        int storage = AddStorage(content.Length);
        content.CopyTo(_storages[storage].Content);
        return storage;
    }

    public MemorySource Add(string name, DType dtype, params long[] shape)
    {
        long bytes = dtype.Layout().BytesOf(shape.Aggregate(1L, (product, dimension) => product * dimension));
        return AddView(name, dtype, AddStorage(bytes, dtype == DType.Bool), 0, shape, [.. ShapeMath.ContiguousStrides([.. shape])]);
    }

    public MemorySource AddView(
        string name, DType dtype, int storage, long offset, long[] shape, long[] strides, LazyView lazy = LazyView.None)
    {
        _tensors.Add(new TensorEntry(name, dtype, [.. shape], [.. strides], storage, offset, lazy));
        return this;
    }

    public void StreamStorage(int storage, ElementSink sink) => sink.InPieces(_storages[storage].Content, _random);

    public void StreamElements(TensorEntry tensor, ElementSink sink) =>
        TensorElements.Stream(tensor, _storages[tensor.Storage], 0, piece => sink.InPieces(piece, _random));

    private sealed class PinnedMemory(byte[] content) : MemoryBuffer(content.Length)
    {
        public byte[] Content => content;

        public override nint Address => Marshal.UnsafeAddrOfPinnedArrayElement(content, 0);

        public override void Write(long offset, ReadOnlySpan<byte> source) => throw new NotSupportedException();

        public override void Read(long offset, Span<byte> destination) =>
            content.AsSpan((int)offset, destination.Length).CopyTo(destination);

        protected override void Dispose(bool disposing)
        {
        }
    }
}

internal static class Sources
{
    public static void InPieces(this ElementSink sink, ReadOnlySpan<byte> bytes, Random random)
    {
        while (!bytes.IsEmpty)
        {
            int length = Math.Min(bytes.Length, random.Next(1, 200_000));
            sink(bytes[..length]);
            bytes = bytes[length..];
        }
    }

    /// <summary>Returns the SHA-256 of a tensor's elements, as in the expectations of the fixtures.</summary>
    public static string HashOf(this IWeightSource source, TensorEntry tensor)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (tensor.ElementCount > 0)
        {
            source.StreamElements(tensor, hash.AppendData);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Returns the name, dtype, shape and elements of each tensor, sorted. The place of a tensor is not included.</summary>
    public static string[] Lines(this IWeightSource source, bool strides) =>
        [
            .. source
                .Tensors.Select(tensor =>
                    string.Join(
                        '\t',
                        tensor.Name,
                        tensor.DType.TorchName(),
                        string.Join(',', tensor.Shape),
                        strides ? string.Join(',', tensor.Strides) : "",
                        source.HashOf(tensor)))
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>Returns the sorted names of tensors that share memory, with one group per line.</summary>
    public static string[] Sharing(this IWeightSource source) =>
        [
            .. source
                .Tensors.Where(tensor => tensor.ElementCount > 0)
                .GroupBy(tensor => tensor.Storage)
                .Where(group => group.Count() > 1)
                .Select(group => string.Join(' ', group.Select(tensor => tensor.Name).Order(StringComparer.Ordinal)))
                .Order(StringComparer.Ordinal),
        ];
}

/// <summary>A part of the tensors of another source.</summary>
internal sealed class Subset(IWeightSource all, Func<TensorEntry, bool> keep) : IWeightSource
{
    public ImmutableArray<TensorEntry> Tensors { get; } = [.. all.Tensors.Where(keep)];

    public ImmutableArray<long> StorageLengths => all.StorageLengths;

    public void StreamStorage(int storage, ElementSink sink) => all.StreamStorage(storage, sink);

    public void StreamElements(TensorEntry tensor, ElementSink sink) => all.StreamElements(tensor, sink);
}

/// <summary>Runs an action once, after a number of bytes was delivered.</summary>
internal sealed class Interrupted(IWeightSource inner, long after, Action happening) : IWeightSource
{
    private long _delivered;

    public ImmutableArray<TensorEntry> Tensors => inner.Tensors;

    public ImmutableArray<long> StorageLengths => inner.StorageLengths;

    public void StreamStorage(int storage, ElementSink sink) => inner.StreamStorage(storage, piece => Pass(piece, sink));

    public void StreamElements(TensorEntry tensor, ElementSink sink) => inner.StreamElements(tensor, piece => Pass(piece, sink));

    private void Pass(ReadOnlySpan<byte> piece, ElementSink sink)
    {
        if (_delivered <= after && _delivered + piece.Length > after)
        {
            happening();
        }
        _delivered += piece.Length;
        sink(piece);
    }
}
