#if PYBRIDGE
using TorchSharp;
using TorchSharp.PyBridge;

namespace MemLoad.Bench;

/// <summary>
/// Reads checkpoints with TorchSharp.PyBridge. The input has one path per line. The answer is one line: <c>accepts</c>, <c>refuses</c> or
/// <c>runs out of memory</c>. The caller detects a file that ends the process.
/// </summary>
internal static class BridgeReader
{
    public const string Verb = "read";

    public static void Run(TextReader paths, TextWriter answers)
    {
        // MemLoad finds and loads libtorch.
        using IDevice device = DeviceRegistry.Open("torch:cpu");
        while (paths.ReadLine() is string path)
        {
            answers.WriteLine(Answer(path));
            answers.Flush();
        }
    }

    private static string Answer(string path)
    {
        try
        {
            using (torch.NewDisposeScope())
            {
                _ = path.EndsWith(".safetensors", StringComparison.Ordinal)
                    ? Safetensors.LoadStateDict(path).Count
                    : PyTorchUnpickler.UnpickleStateDict(path).Count;
            }
            return "accepts";
        }
        catch (Exception e) when (e is OutOfMemoryException || e.Message.Contains("alloc", StringComparison.OrdinalIgnoreCase))
        {
            return "runs out of memory";
        }
#pragma warning disable CA1031 // Every exception is a refusal.
        catch (Exception)
#pragma warning restore CA1031
        {
            return "refuses";
        }
    }
}
#endif
