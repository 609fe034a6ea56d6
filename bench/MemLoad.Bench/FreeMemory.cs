using System.Runtime.InteropServices;

namespace MemLoad.Bench;

/// <summary>
/// The state in which a contender finds the machine's free memory. A virtual machine may give free memory back to its host in the
/// background, which makes it many times dearer to come by and keeps a processor busy: how fast a load is would depend on who ran before
/// it. So between two contenders the parent holds what the last one freed, and lets go of it when the next one, started and warm, says that
/// it is about to load.
/// </summary>
/// <param name="how"><see cref="Touched"/> or <see cref="Settled"/>.</param>
/// <param name="fileBytes">The size of the file to load.</param>
internal sealed unsafe class FreeMemory(string how, long fileBytes)
{
    /// <summary>Touched a moment ago: the host has given it, and takes none of it back meanwhile.</summary>
    public const string Touched = "touched";

    /// <summary>Left alone for a while: the host has taken back what it takes.</summary>
    public const string Settled = "settled";

    /// <summary>The line by which a child says that it is about to load; any line in answer lets it begin.</summary>
    public const string Ready = "ready";

    /// <summary>The variable by which children hear that somebody waits for that line; nobody does who runs load.py by hand.</summary>
    public const string Variable = "MEMLOAD_BENCH_WAITS";

    // The notebook's baseline holds the weights twice.
    private readonly long _bytes = (long)(fileBytes * 2.1);
    private byte* _held;

    /// <summary>The child's side: says that the load comes next, and waits for the memory to be free.</summary>
    public static void Await()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not null)
        {
            Console.WriteLine(Ready);
            Console.ReadLine();
        }
    }

    /// <summary>Holds as much as any contender needs.</summary>
    public void Hold()
    {
        Free(); // which a contender that failed before its time did not ask for
        if (how == Touched)
        {
            _held = Limits.Map(_bytes);
            Limits.InPieces(_bytes, (offset, count) => NativeMemory.Fill(_held + offset, (nuint)count, 1));
        }
    }

    /// <summary>
    /// Waits until what the contender before and this one's start have freed has gone back, and lets go of what was held.
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
