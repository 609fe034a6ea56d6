namespace MemLoad;

/// <summary>Rules on weights as tensors of libtorch (ML702x).</summary>
internal static partial class Rules
{
    public static Rule TorchDTypeUnknown => field ??= new("ML7020", "TorchSharp supports the dtype of the tensor",
        $"Load it to cpu ({Setting.Device}) and read its bytes there, or exclude the tensor ({Setting.Exclude}).");
    public static Rule NotTorchWeights =>
        field ??= new("ML7021", "the weights are on a device of libtorch", $"Load them to torch:cpu or to a card ({Setting.Device}).");
    public static Rule TorchFailed => field ??= new("ML7022", "the call to libtorch succeeds",
        $"{Act.Runtime} shows the version of libtorch. If MemLoad was built for it, report this as a bug of MemLoad.");
}
