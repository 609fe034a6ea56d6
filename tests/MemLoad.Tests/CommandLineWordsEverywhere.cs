using System.Runtime.CompilerServices;
using MemLoad.Cli;

namespace MemLoad.Tests;

/// <summary>Messages speak as the command line does in all tests, whichever of them runs a command first.</summary>
internal static class CommandLineWordsEverywhere
{
    [ModuleInitializer]
    internal static void Apply() => Vocabulary.Current = CommandLineWords.Vocabulary;
}
