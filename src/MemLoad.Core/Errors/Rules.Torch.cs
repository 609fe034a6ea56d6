namespace MemLoad;

/// <summary>Rules on weights as tensors of libtorch (ML702x).</summary>
internal static partial class Rules
{
    public static readonly Rule TorchDTypeUnknown = new("ML7020", "TorchSharp supports the dtype of the tensor",
        $"Load it to cpu ({Setting.Device}) and read its bytes there, or exclude the tensor ({Setting.Exclude}).");
    public static readonly Rule NotTorchWeights =
        new("ML7021", "the weights are on a device of libtorch", $"Load them to torch:cpu or to a card ({Setting.Device}).");
    public static readonly Rule TorchFailed = new("ML7022", "the call to libtorch succeeds",
        $"{Act.Runtime} shows the version of libtorch. If MemLoad was built for it, report this as a bug of MemLoad.");
}
