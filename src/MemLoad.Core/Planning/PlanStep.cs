using System.Runtime.InteropServices;

namespace MemLoad;

/// <summary>The pools a plan allocates from.</summary>
internal enum MemoryPool : byte
{
    /// <summary>Anonymous host memory.</summary>
    Host,
    /// <summary>A mapped file: pages of the page cache, resident once touched, reclaimable.</summary>
    MappedFile,
    /// <summary>The memory of a device that is not the host.</summary>
    Device,
}

/// <summary>The kinds of steps.</summary>
internal enum StepKind : byte
{
    /// <summary>Take a buffer from its pool.</summary>
    Allocate,
    /// <summary>Fill a buffer as a fresh model's parameter is filled.</summary>
    Initialise,
    /// <summary>Map a file.</summary>
    Map,
    /// <summary>Read a storage from its file into a buffer; through the staging ring if the step names one.</summary>
    Read,
    /// <summary>Copy a storage from one buffer to another.</summary>
    Copy,
    /// <summary>Give a buffer back.</summary>
    Release,
}

/// <summary>What a stretch of steps is for, in the words of the notebook.</summary>
internal enum PlanPhase : byte
{
    /// <summary>Building and initialising the model on the host.</summary>
    BuildModel,
    /// <summary>Moving the model to the device.</summary>
    MoveModel,
    /// <summary>Allocating the model's tensors empty on the device (<c>to_empty</c>).</summary>
    ToEmpty,
    /// <summary>Mapping files.</summary>
    MapFile,
    /// <summary>Loading the state dict.</summary>
    LoadStateDict,
    /// <summary>Copying the state dict into the model.</summary>
    CopyWeights,
    /// <summary>Filling the model straight from the file.</summary>
    Fill,
    /// <summary>Letting go of what the model does not need.</summary>
    Release,
}

/// <summary>A buffer a plan will use.</summary>
/// <param name="Pool">Where it comes from.</param>
/// <param name="Bytes">Its length; for a mapped file the bytes of it that the plan will touch.</param>
/// <param name="File">For a mapped file, its index in the checkpoint; else -1.</param>
/// <param name="AsInFile">Whether it holds elements in the file's dtype, even where the model's are cast to another.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PlanBuffer(MemoryPool Pool, long Bytes, int File = -1, bool AsInFile = false);

/// <summary>One step.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Phase">What it is part of.</param>
/// <param name="Buffer">The buffer it acts on.</param>
/// <param name="Storage">The storage concerned, or -1.</param>
/// <param name="Source">For a copy the buffer to copy from, for a read the staging ring to pass through or -1.</param>
/// <param name="Casts">Whether a copy or read casts the elements from the file's dtype to the one they have in the end.</param>
/// <param name="Batch">The batch it belongs to. Steps that follow one another and have the same number are carried out together.</param>
internal readonly record struct PlanStep(StepKind Kind, PlanPhase Phase, int Buffer, int Storage = -1, int Source = -1, bool Casts = false, int Batch = 0);

/// <summary>Where a storage lies when the plan is done.</summary>
/// <param name="Buffer">The buffer.</param>
/// <param name="Offset">Byte offset in it.</param>
internal readonly record struct Placement(int Buffer, long Offset);
