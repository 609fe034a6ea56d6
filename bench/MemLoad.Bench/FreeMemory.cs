namespace MemLoad.Bench;

/// <summary>
/// The state in which a contender finds the machine's free memory. A virtual machine may give free memory back to its host in the background, and what
/// was not given back yet is many times cheaper to come by: whoever happens to load soon after somebody freed much seems the faster. So every contender
/// brings the same state about itself, just before it loads; PyTorch's do it in load.py.
/// </summary>
internal static unsafe class FreeMemory
{
    /// <summary>Just touched and freed by the contender itself: the host has it all.</summary>
    public const string Touched = "touched";

    /// <summary>Left alone for a while: the host has taken back what it takes.</summary>
    public const string Settled = "settled";

    /// <summary>The variable by which the children hear of it.</summary>
    public const string Variable = "MEMLOAD_BENCH_MEMORY";

    // The notebook's baseline holds the weights twice.
    private const double Times = 2.1;

    /// <summary>Brings it about for a load of so many bytes.</summary>
    public static void Prepare(long fileBytes)
    {
        switch (Environment.GetEnvironmentVariable(Variable))
        {
            case Settled:
                Thread.Sleep(TimeSpan.FromSeconds(3));
                break;
            case Touched:
                long bytes = (long)(fileBytes * Times);
                byte* memory = Limits.Map(bytes);
                Limits.InPieces(bytes, (offset, count) => System.Runtime.InteropServices.NativeMemory.Fill(memory + offset, (nuint)count, 1));
                Limits.Unmap(memory, bytes);
                break;
        }
    }
}
