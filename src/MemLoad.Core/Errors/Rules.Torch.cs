namespace MemLoad;

/// <summary>Rules on weights as tensors of libtorch (ML702x).</summary>
public static partial class Rules
{
    /// <summary>TorchSharp must have the element type.</summary>
    public static readonly Rule TorchDTypeUnknown = new("ML7020", "TorchSharp has the tensor's dtype",
        $"Load it to cpu ({Setting.Device}) and read its bytes there, or leave the tensor out ({Setting.Exclude}).");

    /// <summary>Only weights on a device of libtorch are tensors of libtorch.</summary>
    public static readonly Rule NotTorchWeights = new("ML7021", "the weights lie on a device of libtorch", "Load them to torch:cpu or to a card (-Device).");

    /// <summary>libtorch must do what it is asked to.</summary>
    public static readonly Rule TorchFailed = new("ML7022", "libtorch does what it is asked to",
        $"{Act.Runtime} says which libtorch this is; if it is the one of the build, report it as a bug of MemLoad.");
}
