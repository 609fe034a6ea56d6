namespace MemLoad;

/// <summary>Rules on how MemLoad is used and kept (ML99xx).</summary>
public static partial class Rules
{
    /// <summary>A command line must make sense.</summary>
    public static readonly Rule UsageInvalid = new("ML9901", "the command line makes sense", "Run the command with --help.");

    /// <summary>What is printed must go somewhere.</summary>
    public static readonly Rule OutputUnwritable = new("ML9902", "standard output takes what is printed",
        "Send the output to where it can be written: a file on a disk that has room, or a program that reads it.");

    /// <summary>Whatever no other rule foresaw.</summary>
    public static readonly Rule Unexpected = new("ML9999", "nothing unforeseen happens", "Set MEMLOAD_DEBUG=1 to see where it happened.");
}
