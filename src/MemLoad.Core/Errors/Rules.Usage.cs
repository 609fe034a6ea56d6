namespace MemLoad;

/// <summary>Rules on how MemLoad is used and kept (ML99xx).</summary>
internal static partial class Rules
{
    public static Rule UsageInvalid => field ??= new("ML9901", "the command line is valid", "Run the command with --help.");
    public static Rule OutputUnwritable => field ??= new("ML9902", "standard output can be written to",
        "Send the output to a file on a disk with free space, or to a program that reads all of it.");
    public static Rule Unexpected =>
        field ??= new("ML9999", "no unexpected error occurs",
            "Set MEMLOAD_DEBUG=1 to see where it occurred, and report it as a bug of MemLoad.");
}
