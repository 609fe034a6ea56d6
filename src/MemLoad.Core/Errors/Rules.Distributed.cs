namespace MemLoad;

/// <summary>Rules on distributed checkpoints of PyTorch (ML51xx): a folder of <c>.distcp</c> files with a <c>.metadata</c> file.</summary>
internal static partial class Rules
{
    private const string SaveDistributedAgain =
        "Save the checkpoint again with torch.distributed.checkpoint, or copy its whole folder again.";
    // The writer adds .metadata last. Without it the save is not finished.
    public static Rule DistributedUnfinished => field ??= new("ML5101",
        "the folder of a distributed checkpoint contains its .metadata file",
        "Use the checkpoint of an earlier step. If the save was finished, also copy the file .metadata. Its name begins with a dot.");
    // Only the names of PyTorch's own metadata are allowed.
    public static Rule DistributedName => field ??= new("ML5102", "the metadata uses only names of torch.distributed.checkpoint",
        "Load the checkpoint with the program that wrote it, and save its tensors with torch.distributed.checkpoint and its default "
        + "planner.");
    public static Rule DistributedForm => field ??= new("ML5103", "the metadata has the form that PyTorch writes", SaveDistributedAgain);
    // Offsets and sizes have one number per dimension, are not negative, and end inside the tensor. PyTorch checks this only when it saves.
    public static Rule DistributedChunk => field ??= new("ML5104", "the chunks of a tensor are inside it", SaveDistributedAgain);
    // No element is in two chunks. PyTorch checks this only when it saves.
    public static Rule DistributedOverlap => field ??= new("ML5105", "the chunks of a tensor do not overlap", SaveDistributedAgain);
    // Each element is in a chunk. PyTorch leaves the memory of a missing chunk as it was.
    public static Rule DistributedGap => field ??= new("ML5106", "the chunks of a tensor cover it", SaveDistributedAgain);
    public static Rule DistributedRecord =>
        field ??= new("ML5107", "each chunk has a record, and each record belongs to a chunk", SaveDistributedAgain);
    public static Rule DistributedFileName => field ??= new("ML5108", "the files of a distributed checkpoint are in its folder",
        "Put the files into the folder of .metadata. Do not trust metadata that names other folders.");
    public static Rule DistributedFileMissing => field ??= new("ML5109", "every file that the metadata names exists",
        "Copy the missing file into the folder. Each rank writes its own files, which may be on the disks of other machines.");
    // Each byte belongs to one record.
    public static Rule DistributedRecordOverlap => field ??= new("ML5110", "records of a file do not overlap", SaveDistributedAgain);
    // The tensor in a record has the shape and the type that the metadata states.
    public static Rule DistributedContent => field ??= new("ML5111", "a record contains the tensor that the metadata describes",
        SaveDistributedAgain);
    // Records are stored as they are.
    public static Rule DistributedTransformed => field ??= new("ML5112", "records are neither compressed nor transformed",
        "Save the checkpoint again without extensions (such as StreamTransformExtension) of the FileSystemWriter.");
    // The chunks of a tensor that has several are contiguous.
    public static Rule DistributedStrides => field ??= new("ML5113", "the chunks of a tensor are contiguous",
        "Call contiguous() on the local tensors before you save them.");
    // Mapped memory is one range of a file.
    public static Rule DistributedMapped => field ??= new("ML5114", "a mapped tensor is one contiguous range of its file",
        $"Use another strategy ({(Setting.Strategy, "Stream")}), or write the weights to safetensors first ({Act.Convert}).");
    // The files that PyTorch's HuggingFaceStorageWriter writes per rank are pieces.
    public static Rule DistributedSafetensors => field ??= new("ML5115",
        "a safetensors file contains whole tensors, not the pieces of one rank",
        "Join the files with consolidate_safetensors_files of torch.distributed.checkpoint, and open the result.");
}
