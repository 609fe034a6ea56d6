namespace MemLoad;

/// <summary>
/// The closed set of rules. There is one file per group of ids. This file has the rules on paths and formats (ML1xxx). A rule is created
/// when it is first used, because most processes use few of them.
/// </summary>
internal static partial class Rules
{
    private const string CopyAgain = "Copy or download the file again and compare its size with the original.";
    public static Rule PathNotFound => field ??= new("ML1001", "the path exists", "Check the spelling and the current folder.");
    public static Rule PathUnreadable =>
        field ??= new("ML1002", "the path can be read", "Check its permissions, and that no other program has it open.");
    public static Rule FileEmpty => field ??= new("ML1003", "the file is not empty", CopyAgain);
    public static Rule FormatUnknown => field ??= new("ML1004", "the file is a PyTorch, safetensors or GGUF checkpoint",
        "MemLoad reads PyTorch .pth/.pt/.bin, safetensors, GGUF, both kinds of *.index.json and folders of per-tensor files.");
    public static Rule FileTruncated => field ??= new("ML1005", "the file is complete", CopyAgain);
    public static Rule FileChanged =>
        field ??= new("ML1006", "the file does not change after it is opened", "Load the file again when no program writes to it.");
    public static Rule ReadFailed =>
        field ??= new("ML1007", "the file can be read to its end", "Check the disk or the network share, then try again.");
    public static Rule ExtensionWrong =>
        field ??= new("ML1008", "the extension matches the content", "Give the file the extension of its content: .pth or .safetensors.");

    // The number of open files of a process is limited ('ulimit -n'). The machine has a limit, too.
    public static Rule FilesExhausted => field ??= new("ML1015", "the process may open as many files as it needs",
        $"Raise the limit on open files (ulimit -n), or choose the strategy Stream ({Setting.Strategy}), which has few files open at a "
            + $"time.");
    public static Rule PathNotFile => field ??= new("ML1009", "the path is on a file system", "Give the path of a file or folder.");
    public static Rule PathNotRegular => field ??= new("ML1010", "the path is a file or a folder, not a pipe, device or socket",
        "Write its data into a file first, then give the path of that file.");
    public static Rule LfsPointer => field ??= new("ML1011", "the file is the checkpoint itself, not a git-lfs pointer to it",
        "In the repository, run: git lfs install, then git lfs pull.");
    public static Rule MappingUnguarded => field ??= new("ML1012", "a file that is mapped into a shell is protected against truncation",
        $"Choose the strategy Stream ({Setting.Strategy}), which copies, or do not measure in this process ({Setting.InProcess}). "
            + $"{(Act.Load, Setting.Force)} maps the file anyway. If the file then becomes shorter, the shell ends.");
    public static Rule HeaderMemory => field ??= new("ML1013", "the memory for headers is within the limit for their length",
        "Write the file again with the program that made it. Such a file may be an attempt to exhaust memory.");
    public static Rule LimitUnknown => field ??= new("ML1014", "MEMLOAD_LIMITS contains names of limits and whole numbers",
        "The limits are header-memory, expanded-bytes, nesting (at most 5000), name-length, remote-bytes and remote-seconds. For example, "
            + "set it to nesting=500,expanded-bytes=68719476736. Otherwise remove it.");

    // A server that refuses a download answers with a page, and programs save the page under the name of the file.
    public static Rule FileIsText => field ??= new("ML1016", "the file is weights, not text",
        "The server probably sent a web page or an error instead of the file. Read the text. If it requires this, sign in or accept the "
            + "conditions of the model. Then download the file again.");

    // Mapped bytes are used as they are in the file.
    public static Rule MappingDecoded => field ??= new("ML1017", "a mapped file contains the elements in the form that they have in memory",
        $"Choose a strategy that copies, such as Stream ({Setting.Strategy}), or write the file again: {(Act.Convert, Setting.Path)}.");
}
