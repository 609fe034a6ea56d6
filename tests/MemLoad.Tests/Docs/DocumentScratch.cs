using System.Diagnostics;
using MemLoad.Tests.Cli;

namespace MemLoad.Tests.Docs;

/// <summary>A folder with small versions of the files in the documents, and a shell that has the command <c>memload</c>.</summary>
public sealed class DocumentScratch : IDisposable
{

    private readonly TemporaryFolder _prepared = new();
    private readonly TemporaryFolder _tools = new();

    /// <summary>Creates the files once.</summary>
    public DocumentScratch()
    {
        _prepared.CopyFixture("tiny/fp32.pth", "model.pth");
        _prepared.CopyFixture("tiny/fp32.pth", "m.pth");
        _prepared.CopyFixture("tiny/fp32.safetensors", "model.safetensors");
        _prepared.CopyFixture("containers/model_and_optimizer.pth", "run.pth");
        Directory.CreateDirectory(_prepared["step-1000"]);
        foreach (string file in Directory.EnumerateFiles(Fixtures.PathOf("distributed/two-ranks")))
        {
            File.Copy(file, Path.Combine(_prepared["step-1000"], Path.GetFileName(file)));
        }
        Make("manifest", "--path", _prepared["model.pth"]);
        Make("convert", "--path", _prepared["model.pth"], "--out", _prepared["model"], "--to", "folder");
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        File.WriteAllText(_tools["memload"], $"#!/bin/sh\nexec dotnet '{Path.Combine(AppContext.BaseDirectory, "memload.dll")}' \"$@\"\n");
        File.SetUnixFileMode(_tools["memload"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        (int code, string text) = Run(
            "memload measure --path model.pth --timeline-path samples.jsonl --format csv > rows.csv", _prepared.Path);
        Assert.True(code == 0, text);
        foreach (string rows in (string[])["node1", "node2", "rank-0", "rank-1", "yesterday", "today"])
        {
            File.Copy(_prepared["rows.csv"], _prepared[rows + ".csv"]);
        }
    }

    /// <summary>Runs a command in a copy of the folder.</summary>
    internal (int Code, string Text) Run(DocumentCommand command)
    {
        using var folder = new TemporaryFolder();
        foreach (string file in Directory.EnumerateFiles(_prepared.Path, "*", SearchOption.AllDirectories))
        {
            string copy = folder[Path.GetRelativePath(_prepared.Path, file)];
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        if (command.ExpectedIds.Contains("ML6111"))
        {
            Flip(folder["model.safetensors"]);
        }
        // The output of a command must not exist already.
        if (command.Text.StartsWith("memload manifest ", StringComparison.Ordinal))
        {
            File.Delete(folder["model.manifest.json"]);
        }
        int made = command.Text.IndexOf("--out ", StringComparison.Ordinal);
        if (made >= 0)
        {
            File.Delete(folder[command.Text[(made + "--out ".Length)..].Split(' ')[0]]);
        }
        return Run(NotRun.Instead(command.Text), folder.Path);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _prepared.Dispose();
        _tools.Dispose();
    }

    private static void Make(params string[] args)
    {
        CliRun run = CliRun.Of(args);
        Assert.True(run.ExitCode == 0, run.Error);
    }

    private static void Flip(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);
    }

    private (int Code, string Text) Run(string command, string folder)
    {
        var start = new ProcessStartInfo("bash", ["-c", $"set -o pipefail; {command}"]) { WorkingDirectory = folder };
        start.Environment["PATH"] = $"{_tools.Path}:{start.Environment["PATH"]}";
        var run = EndedProcess.Run(start);
        return (run.ExitCode, run.Output + run.Error);
    }
}
