namespace MemLoad;

/// <summary>The kinds of work a plan's time is made of. Fresh means memory touched for the first time, which costs more than the copy itself.</summary>
internal enum Work
{
    /// <summary>Any step, whatever it moves.</summary>
    Step,
    /// <summary>Filling a fresh buffer as a parameter is initialised.</summary>
    Initialise,
    /// <summary>Reading cached file pages into fresh host memory, by several threads.</summary>
    ReadInPlace,
    /// <summary>The same from the disk.</summary>
    ReadInPlaceCold,
    /// <summary>Reading cached file pages through a staging ring into fresh device memory; one constant for each size of the ring.</summary>
    ReadThroughRing,
    /// <summary>The same from the disk.</summary>
    ReadThroughRingCold,
    /// <summary>Host to host, into memory touched before.</summary>
    CopyOnHost,
    /// <summary>Host to host, into fresh memory.</summary>
    CopyOnHostFresh,
    /// <summary>Host to device, into memory touched before.</summary>
    CopyToDevice,
    /// <summary>Host to device, into fresh memory.</summary>
    CopyToDeviceFresh,
    /// <summary>From cached pages of a mapped file to fresh device memory.</summary>
    CopyMapped,
    /// <summary>The same from the disk.</summary>
    CopyMappedCold,
    /// <summary>Device to device, into memory touched before.</summary>
    CopyOnDevice,
    /// <summary>Device to device, into fresh memory.</summary>
    CopyOnDeviceFresh,
    /// <summary>Giving host memory back to the system.</summary>
    Release,
}
