namespace MemLoad;

/// <summary>Rules on writing checkpoints (ML91xx).</summary>
internal static partial class Rules
{
    public static Rule FormatNotWritable => field ??= new("ML9101", "the format can be written",
        $"Choose pth, safetensors or folder ({Setting.Format}), or a target whose name ends in .pth or .safetensors, or has no extension "
            + $"for a folder.");
    public static Rule TargetExists =>
        field ??= new("ML9102", "the target does not exist yet", $"Name another path, or replace the existing target ({Setting.Force}).");
    public static Rule TargetUnwritable => field ??= new("ML9103", "the target can be written",
        "Check that the folder exists and that this user may write to it, or name another path.");
    public static Rule DiskFull => field ??= new("ML9104", "the disk has enough free space",
        "Free some space, or name a path on another disk (for generated checkpoints: MEMLOAD_CACHE).");
    public static Rule WriteFailed => field ??= new("ML9105", "the target can be written completely",
        "Check the disk or the network share, then try again.");
    public static Rule FileNameUnsafe => field ??= new("ML9106", "tensor names are safe and distinct as file names",
        $"Write one file instead: safetensors or pth ({Setting.Format}).");
    public static Rule NameNotWritable => field ??= new("ML9107", "the format supports the name of the tensor",
        $"Rename the tensor, choose a format that supports its name ({Setting.Format}), or exclude it ({(Act.Convert, Setting.Exclude)}).");
    public static Rule DTypeNotInFormat => field ??= new("ML9108", "the format supports the dtype of the tensor",
        $"Write .pth instead, or exclude the tensor ({(Act.Convert, Setting.Exclude)}).");

    // A safetensors header has at most 100,000,000 bytes, which is the limit of the reference reader.
    public static Rule HeaderTooLong => field ??= new("ML9109", "the header is not longer than the format allows",
        $"Write .pth instead, or write fewer tensors to one file ({(Act.Convert, Setting.Include)}).");
    public static Rule SourceInconsistent => field ??= new("ML9110", "the weights to write have the lengths that they state",
        "Open the weights again. If it fails again, report this as a bug of the program that provides them, which is MemLoad for a "
            + $"checkpoint.");
    public static Rule ShardSize => field ??= new("ML9112", "shards are safetensors files of at least one byte in a folder",
        $"Name a folder for them, and a size such as {(Setting.MaxShardSize, "5GB")}, or leave out {Setting.MaxShardSize}.");
    public static Rule CacheUnusable => field ??= new("ML9111", "the cache folder can be written",
        $"Set MEMLOAD_CACHE to a folder that this user can write to, or give the path of a checkpoint ({Setting.Path}).");
}
