using System.Runtime.InteropServices;
using TorchSharp;

namespace MemLoad.Torch.Tests;

/// <summary>
/// A card that is simulated in host memory. The code of the device around the driver can be tested without a card. It checks streams, pins
/// and copies, and reports that memory ran out if a test requests it.
/// </summary>
internal sealed unsafe class PlayedCard(long totalBytes = 1L << 34) : ICard
{
    private readonly HashSet<nint> _pinned = [];
    private readonly HashSet<nint> _busy = [];
    private readonly List<WeakReference<torch.Tensor>> _tensors = [];
    private static int _lastCard;
    private nint _lastStream;
    private int _copies;

    public int PinCount { get; private set; }

    public int PinnedNow => _pinned.Count;

    public int OpenStreams { get; private set; }

    public int MostCopiesAtOnce { get; private set; }

    public bool Disposed { get; private set; }

    public long FailFrom { get; init; } = long.MaxValue;

    public string Product => "a card played by host memory";

    public string Uuid { get; } = $"played-{Interlocked.Increment(ref _lastCard)}";

    public long TotalBytes => totalBytes;

    /// <summary>The memory that libtorch has reserved, if a test sets it; otherwise the allocated memory.</summary>
    public long? ReservedBytes { get; set; }

    public long FreeBytes => totalBytes - (ReservedBytes ?? AllocatedBytes);

    public long AllocatedBytes =>
        _tensors.Sum(reference => reference.TryGetTarget(out torch.Tensor? tensor) && !tensor.IsInvalid ? tensor.numel() : 0);

    public torch.Tensor Allocate(long bytes)
    {
        if (bytes >= FailFrom)
        {
#pragma warning disable CA2201 // TorchSharp throws this exception.
            throw new ExternalException(
                "CUDA out of memory. Tried to allocate 1024.00 MiB. GPU 0 has a total capacity of 16 GiB\nException raised from "
                    + "malloc at ...");
#pragma warning restore CA2201
        }
        torch.Tensor tensor = torch.empty(bytes, torch.ScalarType.Byte);
        _tensors.Add(new WeakReference<torch.Tensor>(tensor));
        return tensor;
    }

    public nint AddressOf(torch.Tensor tensor) => TensorMemory.AddressOf(tensor);

    public nint OpenStream()
    {
        OpenStreams++;
        return ++_lastStream;
    }

    public void CloseStream(nint stream) => OpenStreams--;

    public void Upload(nint stream, nint card, nint host, long bytes) => Copy(stream, card, host, bytes);

    public void Download(nint stream, nint host, nint card, long bytes) => Copy(stream, host, card, bytes);

    public void CopyInside(nint stream, nint target, nint source, long bytes) => Copy(stream, target, source, bytes);

    public string? DriverVersion => null;

    public long? ProcessBytes => null;

    public string? Pin(nint host, long bytes)
    {
        PinCount++;
        Assert.True(_pinned.Add(host));
        return null;
    }

    public void Unpin(nint host) => Assert.True(_pinned.Remove(host));

    public void Dispose() => Disposed = true;

    private void Copy(nint stream, nint target, nint source, long bytes)
    {
        lock (_busy)
        {
            Assert.True(_busy.Add(stream), "a stream was given to two copies at once");
            MostCopiesAtOnce = Math.Max(MostCopiesAtOnce, ++_copies);
        }
        NativeMemory.Copy((void*)source, (void*)target, (nuint)bytes);
        lock (_busy)
        {
            _busy.Remove(stream);
            _copies--;
        }
    }
}
