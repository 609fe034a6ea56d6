namespace MemLoad.Torch.Tests;

public sealed class ExampleTests
{
    [NeedsFact(typeof(LibTorchHere))]
    public void The_example_of_TorchSharp_runs()
    {
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        string program = Path.Combine(Repository.Root, "examples", "CSharp", "Torch", "bin", configuration, "net10.0", "Torch.dll");
        string path = Fixtures.PathOf("tiny/fp32.safetensors");
        var run = EndedProcess.Run("dotnet", program, path);
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        string[] lines = run.Output.TrimEnd().Split('\n', StringSplitOptions.TrimEntries);
        Assert.Matches(@"^Forecast: \w+ needs \d+ bytes of memory and maps \d+\.$", lines[0]);
        Assert.Equal(
            Checkpoint.Open(path).Tensors.Select(tensor => tensor.Name).Order(), lines[1..].Select(line => line.Split(' ')[0]).Order());
        Assert.Contains("tok_emb.weight [101, 24] Float32", lines);
    }
}
