namespace MemLoad;

/// <summary>The pools that a plan allocates from.</summary>
internal enum MemoryPool : byte
{
    /// <summary>Anonymous host memory.</summary>
    Host,
    /// <summary>A mapped file: pages of the page cache, resident once touched, reclaimable.</summary>
    MappedFile,
    /// <summary>The memory of a device other than the host.</summary>
    Device,
}

/// <summary>The kinds of steps.</summary>
internal enum StepKind : byte
{
    /// <summary>Allocates a buffer from its pool.</summary>
    Allocate,
    /// <summary>Fills a buffer as a new model initialises a parameter.</summary>
    Initialise,
    /// <summary>Maps a file.</summary>
    Map,
    /// <summary>Reads a storage from its file into a buffer; through the staging ring if the step names one.</summary>
    Read,
    /// <summary>Copies a storage from one buffer to another.</summary>
    Copy,
    /// <summary>Frees a buffer.</summary>
    Release,
}

/// <summary>The purpose of a run of steps, in the words of the notebook.</summary>
internal enum PlanPhase : byte
{
    /// <summary>Build and initialise the model on the host.</summary>
    BuildModel,
    /// <summary>Move the model to the device.</summary>
    MoveModel,
    /// <summary>Allocate the model's tensors empty on the device (<c>to_empty</c>).</summary>
    ToEmpty,
    /// <summary>Map files.</summary>
    MapFile,
    /// <summary>Load the state dict.</summary>
    LoadStateDict,
    /// <summary>Copy the state dict into the model.</summary>
    CopyWeights,
    /// <summary>Fill the model directly from the file.</summary>
    Fill,
    /// <summary>Free what the model does not need.</summary>
    Release,
}

/// <summary>A buffer of a plan.</summary>
/// <param name="Pool">The pool that it comes from.</param>
/// <param name="Bytes">Its length. For a mapped file, the bytes of the file that the plan will touch.</param>
/// <param name="File">For a mapped file, its index in the checkpoint; else -1.</param>
/// <param name="AsInFile">Whether it holds elements in the dtype of the file, even if the model's are cast to another.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PlanBuffer(MemoryPool Pool, long Bytes, int File = -1, bool AsInFile = false);

/// <summary>One step of a plan.</summary>
/// <param name="Kind">What the step does.</param>
/// <param name="Phase">The phase of the step.</param>
/// <param name="Buffer">The buffer it acts on.</param>
/// <param name="Storage">The storage that the step is for, or -1.</param>
/// <param name="Source">For a copy, the buffer to copy from. For a read, the staging ring to pass through, or -1.</param>
/// <param name="Casts">Whether a copy or read casts the elements from the dtype of the file to their final dtype.</param>
/// <param name="Batch">The batch of the step. Consecutive steps with the same number are executed together.</param>
internal readonly record struct PlanStep(
    StepKind Kind, PlanPhase Phase, int Buffer, int Storage = -1, int Source = -1, bool Casts = false, int Batch = 0);

/// <summary>The place of a storage at the end of the plan.</summary>
/// <param name="Buffer">The buffer.</param>
/// <param name="Offset">Byte offset in it.</param>
internal readonly record struct Placement(int Buffer, long Offset);
