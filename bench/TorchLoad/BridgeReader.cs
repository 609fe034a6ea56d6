#if PYBRIDGE
using TorchSharp;
using TorchSharp.PyBridge;

namespace MemLoad.Bench;

/// <summary>
/// Reads checkpoints with TorchSharp.PyBridge, one path a line of the input, and answers each with one line: <c>accepts</c>, <c>refuses</c>
/// or <c>runs out of memory</c>. A file that ends the process is for the caller to notice.
/// </summary>
internal static class BridgeReader
{
    public const string Verb = "read";

    public static void Run(TextReader paths, TextWriter answers)
    {
        // libtorch is found and loaded by MemLoad.
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
#pragma warning disable CA1031 // Whatever it throws, it refuses.
        catch (Exception)
#pragma warning restore CA1031
        {
            return "refuses";
        }
    }
}
#endif
