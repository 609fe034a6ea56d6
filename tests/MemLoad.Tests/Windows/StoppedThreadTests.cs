using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MemLoad.Tests.Windows;

/// <summary>
/// The system functions with which .NET stops and resumes threads for its garbage collector. Without them, objects are damaged at random,
/// and the results of the suite are not valid.
/// </summary>
public sealed class StoppedThreadTests
{
    [SkippableFact]
    public void A_stopped_thread_keeps_its_vectors()
    {
        const int Stops = 100;
        int stopped = 0, lost = 0;
        var other = new Thread(() =>
        {
            for (long value = 1; Volatile.Read(ref stopped) < Stops; value++)
            {
                lost += Keeps(value) ? 0 : 1;
            }
        });
        other.Start();
        for (; stopped < Stops; Volatile.Write(ref stopped, stopped + 1))
        {
            GC.Collect(0);
            Thread.Yield();
        }
        other.Join();

        Skip.If(
            CompatibilityLayer.IsHere && lost > 0,
            "the layer loses AVX-512 registers of a stopped thread; RtlRestoreContext is documented to restore them. Set "
                + "DOTNET_EnableAVX512=0: "
            + "without it, failures of other tests of this run prove nothing");
        Assert.Equal(0, lost);
    }

    // The loop has no call, so both vectors stay in registers.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool Keeps(long value)
    {
        const int Turns = 100_000;
        var step = Vector512.Create(value);
        Vector512<long> sum = Vector512<long>.Zero;
        for (int i = 0; i < Turns; i++)
        {
            sum += step;
        }
        return sum == Vector512.Create(value * Turns);
    }
}
