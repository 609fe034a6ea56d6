namespace MemLoad;

/// <summary>The kind of file or folder of a checkpoint.</summary>
public enum CheckpointFormat
{
    /// <summary>PyTorch's zip archive, written since 1.6.</summary>
    TorchZip,
    /// <summary>PyTorch's format before 1.6.</summary>
    TorchLegacy,
    /// <summary>One safetensors file.</summary>
    Safetensors,
    /// <summary>Several files that a <c>*.index.json</c> names.</summary>
    Sharded,
    /// <summary>A folder with one file per tensor.</summary>
    PerTensor,
    /// <summary>GGUF, the format of llama.cpp, in one file or in several.</summary>
    Gguf,
    /// <summary>A folder that <c>torch.distributed.checkpoint</c> wrote: <c>.metadata</c> and <c>.distcp</c> files.</summary>
    Distributed,
    /// <summary>The file that TorchSharp saves a module in.</summary>
    TorchSharp = 7,
}
