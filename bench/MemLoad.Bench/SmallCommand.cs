using System.CommandLine;

namespace MemLoad.Bench;

internal static class SmallCommand
{
    public static Command Build() => new("small", "Times the small things.");
}
