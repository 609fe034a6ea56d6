namespace MemLoad.Torch;

/// <summary>The functions of a card for a device: memory that libtorch allocates, and copies of the driver.</summary>
internal interface ICard : IDisposable
{
    string Product { get; }

    /// <summary>The id of the card, such as <c>GPU-…</c>.</summary>
    string Uuid { get; }

    /// <summary>The version of its driver; null if the driver does not report it.</summary>
    string? DriverVersion { get; }

    /// <summary>The memory of this process on the card that the driver reports; null if it does not.</summary>
    long? ProcessBytes { get; }

    long TotalBytes { get; }

    long FreeBytes { get; }

    /// <summary>Allocates bytes on the card, with undefined content. Throws the exception of libtorch if memory is missing.</summary>
    torch.Tensor Allocate(long bytes);

    /// <summary>Returns the address of the first byte of a tensor on the card.</summary>
    nint AddressOf(torch.Tensor tensor);

    /// <summary>
    /// Opens a stream for copies. It synchronizes with the work of libtorch, so that memory is not written while an earlier kernel uses it.
    /// </summary>
    nint OpenStream();

    void CloseStream(nint stream);

    /// <summary>Copies host memory to the card and waits for the copy.</summary>
    void Upload(nint stream, nint card, nint host, long bytes);

    /// <summary>Copies memory of the card to the host and waits for the copy.</summary>
    void Download(nint stream, nint host, nint card, long bytes);

    /// <summary>Copies within the card and waits for the copy.</summary>
    void CopyInside(nint stream, nint target, nint source, long bytes);

    /// <summary>
    /// Pins host memory, so that the card can read it directly. Returns the reason if that is not possible. Copies then use a staging
    /// buffer of the driver.
    /// </summary>
    string? Pin(nint host, long bytes);

    void Unpin(nint host);
}
