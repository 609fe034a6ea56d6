using System.Text.RegularExpressions;

namespace MemLoad.Tests.Docs;

/// <summary>
/// The commands of the documents that a test does not run, with the reasons, and the commands that it runs on smaller input. Every command
/// that is not listed here is run.
/// </summary>
internal static class NotRun
{
    private static readonly (string Pattern, string Reason)[] Listed =
    [
        (@"^git clone ", "needs a network"),
        (@"https?://|hf://", "needs a server"),
        (
            @"^(nice -n \d+ )?dotnet (build|test|run|publish|tool|format|pwsh|stryker) ?",
            "builds, or runs what the build leaves: the tests are that"),
        (@"^MEMLOAD_UPDATE=1 dotnet test", "writes documents again"),
        (@"^\./build\.ps1", "builds: the tests are what it leaves"),
        (@"^\./bench/|bench/peers/", "a benchmark: minutes, gigabytes, root"),
        (@"^\./examples/", "run by the Pester suite, or needs other machines"),
        (@"--size gpt2-(large|xl) --out ", "writes gigabytes"),
        (@"--device (cuda:|torch:)", "needs TorchSharp"),
        (@"--cache cold", "needs a file on a disk: temporary folders may be in memory"),
        (@"^(curl|wget|scp|ssh|rsync|pwsh) ", "needs other machines or an installation"),
        (@"^(tar|unzip|sha256sum|sudo|install|mkdir|export|cd|mv|chmod) ", "the way in, which Package.Tests.ps1 goes"),
        (@"^(docker|podman|systemd-run|ulimit|sysctl|dmesg|journalctl|mount) ", "changes or asks the system"),
        (@"^([A-Z]+=\S+ )*(srun|sbatch|kubectl) ", "needs a cluster"),
    ];

    /// <summary>The same commands on smaller input. Every command is also parsed unchanged.</summary>
    private static readonly (string Pattern, string Replacement)[] Smaller =
    [
        // A small checkpoint replaces a generated checkpoint of hundreds of megabytes.
        (@"^\(ulimit -d \d+; memload measure --size \S+", "(ulimit -d 4000000; memload measure --path model.pth --host-memory-limit 16KB"),
        (@"^memload measure --size \S+", "memload measure --path model.pth"),
        (@"^memload measure(?!.*--path)", "memload measure --path model.pth"),
        (@"^memload new --size \S+", "memload new --vocab 64 --context 16 --emb 8 --layers 2 --heads 2"),
        // The number of heads is known for a size of GPT-2, but not for a tiny model.
        (@"^memload invoke (?!.*--heads)", "memload invoke --heads 2 "),
    ];

    /// <summary>Returns the reason why the command is not run; null if it is run.</summary>
    public static string? Reason(string command) => Array.Find(Listed, entry => Regex.IsMatch(command, entry.Pattern)).Reason;

    /// <summary>Returns the command that is run instead.</summary>
    public static string Instead(string command)
    {
        (string pattern, string? replacement) = Array.Find(Smaller, entry => Regex.IsMatch(command, entry.Pattern));
        string instead = replacement is null ? command : Regex.Replace(command, pattern, replacement);
        // Each strategy is a process, and one strategy shows the same as six.
        return Regex.Replace(instead, @"^memload measure(?!.*--strategy)(?!.* -- )", "memload measure --strategy Stream");
    }
}
