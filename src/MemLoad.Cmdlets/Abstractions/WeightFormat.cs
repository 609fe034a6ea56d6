namespace MemLoad;

/// <summary>The formats that can be written.</summary>
public enum WeightFormat
{
    /// <summary>PyTorch's zip archive, <c>.pth</c>.</summary>
    Pth,
    /// <summary>One safetensors file.</summary>
    Safetensors,
    /// <summary>A folder with one file per tensor.</summary>
    Folder,
}
