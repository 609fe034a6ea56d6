namespace MemLoad;

/// <summary>Rules on weights as tensors of libtorch (ML702x).</summary>
internal static partial class Rules
{
    public static readonly Rule TorchDTypeUnknown = new("ML7020", "TorchSharp has the tensor's dtype",
        $"Load it to cpu ({Setting.Device}) and read its bytes there, or leave the tensor out ({Setting.Exclude}).");
    public static readonly Rule NotTorchWeights = new("ML7021", "the weights lie on a device of libtorch", "Load them to torch:cpu or to a card (-Device).");
    public static readonly Rule TorchFailed = new("ML7022", "libtorch does what it is asked to",
        $"{Act.Runtime} says which libtorch this is; if it is the one of the build, report it as a bug of MemLoad.");
}
