using System.Runtime.InteropServices;

namespace MemLoad.Bench;

/// <summary>
/// The state in which a contender finds the machine's free memory. A virtual machine can return free memory to its host in the background.
/// This uses a processor, and later allocations of that memory cost many times more. The speed of a load would then depend on the previous
/// contender. Between two contenders, the parent therefore holds the memory that the previous one freed. It releases the memory when the
/// next contender has started and is ready to load.
/// </summary>
/// <param name="how"><see cref="Touched"/> or <see cref="Settled"/>.</param>
/// <param name="fileBytes">The size of the file to load.</param>
internal sealed unsafe class FreeMemory(string how, long fileBytes)
{
    /// <summary>The memory was just touched. The host has provided it and does not reclaim it before the load.</summary>
    public const string Touched = "touched";

    /// <summary>The memory was not used for some time, so the host has reclaimed its part.</summary>
    public const string Settled = "settled";

    /// <summary>The line that a child writes before it loads. It begins after any line in answer.</summary>
    public const string Ready = "ready";

    /// <summary>
    /// The variable that tells children that the parent waits for that line. It is not set if a user runs load.py directly.
    /// </summary>
    public const string Variable = "MEMLOAD_BENCH_WAITS";

    // The notebook's baseline holds the weights twice.
    private readonly long _bytes = (long)(fileBytes * 2.1);
    private byte* _held;

    /// <summary>Runs in the child process: reports that the load follows, and waits until the memory is free.</summary>
    public static void Await()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not null)
        {
            Console.WriteLine(Ready);
            Console.ReadLine();
        }
    }

    /// <summary>Holds the memory that the largest contender needs.</summary>
    public void Hold()
    {
        Free(); // a contender that failed early did not release it
        if (how == Touched)
        {
            _held = Limits.Map(_bytes);
            Limits.InPieces(_bytes, (offset, count) => NativeMemory.Fill(_held + offset, (nuint)count, 1));
        }
    }

    /// <summary>
    /// Waits until the memory that the previous contender and the start of this one freed has been reclaimed. Then releases the held
    /// memory.
    /// </summary>
    public void Release()
    {
        Thread.Sleep(TimeSpan.FromSeconds(3));
        Free();
    }

    private void Free()
    {
        if (_held is not null)
        {
            Limits.Unmap(_held, _bytes);
            _held = null;
        }
    }
}
