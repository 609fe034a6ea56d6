namespace MemLoad;

/// <summary>
/// The kinds of work that the time of a plan consists of. Fresh memory is touched for the first time, which costs more than the copy
/// itself.
/// </summary>
internal enum Work
{
    Step, // any step, independent of its bytes
    Initialise, // initialising a parameter in a fresh buffer
    ReadInPlace, // reading cached file pages into fresh host memory with several threads
    ReadInPlaceCold, // reading from the disk into fresh host memory
    ReadThroughRing, // reading cached file pages through a staging ring into fresh device memory. There is one constant per ring size
    ReadThroughRingCold, // reading from the disk through a staging ring into fresh device memory
    CopyOnHost, // copying from host to host, into memory that was touched before
    CopyOnHostFresh, // copying from host to host, into fresh memory
    CopyToDevice, // copying from host to device, into memory that was touched before
    CopyToDeviceFresh, // copying from host to device, into fresh memory
    CopyMapped, // copying from cached pages of a mapped file to fresh device memory
    CopyMappedCold, // copying from pages of a mapped file that are on the disk to fresh device memory
    CopyOnDevice, // copying from device to device, into memory that was touched before
    CopyOnDeviceFresh, // copying from device to device, into fresh memory
    Release, // returning host memory to the system
}
