using System.Runtime.CompilerServices;
using MemLoad.Cli;

namespace MemLoad.Tests;

/// <summary>Messages use the words of the command line in all tests, independent of the first test that runs a command.</summary>
internal static class CommandLineWordsEverywhere
{
    [ModuleInitializer]
    internal static void Apply() => Vocabulary.Current = CommandLineWords.Vocabulary;
}
