namespace MemLoad;

/// <summary>Rules on how MemLoad is used and kept (ML99xx).</summary>
internal static partial class Rules
{
    public static readonly Rule UsageInvalid = new("ML9901", "the command line makes sense", "Run the command with --help.");
    public static readonly Rule OutputUnwritable = new("ML9902", "standard output takes what is printed",
        "Send the output to where it can be written: a file on a disk that has room, or a program that reads it.");
    public static readonly Rule Unexpected = new("ML9999", "nothing unforeseen happens", "Set MEMLOAD_DEBUG=1 to see where it happened.");
}
