using TorchSharp;

namespace MemLoad.Torch;

/// <summary>What a device needs of a card: memory that libtorch allocates, and the driver's ways in and out of it.</summary>
internal interface ICard : IDisposable
{
    /// <summary>The product's name.</summary>
    string Product { get; }

    /// <summary>Where it sits, as NVML knows it.</summary>
    string BusId { get; }

    /// <summary>Its memory.</summary>
    long TotalBytes { get; }

    /// <summary>What nobody has taken of it.</summary>
    long FreeBytes { get; }

    /// <summary>Bytes on the card, with undefined content. Throws what libtorch throws if there is no room.</summary>
    torch.Tensor Allocate(long bytes);

    /// <summary>Address on the card of a tensor's first byte.</summary>
    nint AddressOf(torch.Tensor tensor);

    /// <summary>Opens a stream for copies. It takes its turn with libtorch's own work, so that memory is never written while a kernel that
    /// was queued before still uses it.</summary>
    nint OpenStream();

    void CloseStream(nint stream);

    /// <summary>Copies host memory to the card and waits until it is there.</summary>
    void Upload(nint stream, nint card, nint host, long bytes);

    /// <summary>Copies the card's memory to the host and waits until it is there.</summary>
    void Download(nint stream, nint host, nint card, long bytes);

    /// <summary>Copies within the card and waits until it is done.</summary>
    void CopyInside(nint stream, nint target, nint source, long bytes);

    /// <summary>Pins host memory, so that the card fetches it by itself. False if the system does not allow it: copies then take a detour.</summary>
    bool TryPin(nint host, long bytes);

    void Unpin(nint host);
}
