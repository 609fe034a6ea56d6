namespace MemLoad;

/// <summary>
/// The kinds of work that the time of a plan consists of. Fresh memory is touched for the first time, which costs more than the copy
/// itself.
/// </summary>
internal enum Work
{
    /// <summary>Any step, whatever its bytes.</summary>
    Step,
    /// <summary>Initialising a parameter in a fresh buffer.</summary>
    Initialise,
    /// <summary>Reading cached file pages into fresh host memory with several threads.</summary>
    ReadInPlace,
    /// <summary>Reading from the disk into fresh host memory.</summary>
    ReadInPlaceCold,
    /// <summary>Reading cached file pages through a staging ring into fresh device memory. There is one constant per ring size.</summary>
    ReadThroughRing,
    /// <summary>Reading from the disk through a staging ring into fresh device memory.</summary>
    ReadThroughRingCold,
    /// <summary>Copying from host to host, into memory that was touched before.</summary>
    CopyOnHost,
    /// <summary>Copying from host to host, into fresh memory.</summary>
    CopyOnHostFresh,
    /// <summary>Copying from host to device, into memory that was touched before.</summary>
    CopyToDevice,
    /// <summary>Copying from host to device, into fresh memory.</summary>
    CopyToDeviceFresh,
    /// <summary>Copying from cached pages of a mapped file to fresh device memory.</summary>
    CopyMapped,
    /// <summary>Copying from pages of a mapped file that are on the disk to fresh device memory.</summary>
    CopyMappedCold,
    /// <summary>Copying from device to device, into memory that was touched before.</summary>
    CopyOnDevice,
    /// <summary>Copying from device to device, into fresh memory.</summary>
    CopyOnDeviceFresh,
    /// <summary>Returning host memory to the system.</summary>
    Release,
}
