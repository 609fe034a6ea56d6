using System.Collections.Frozen;

namespace MemLoad;

/// <summary>The devices of PyTorch, as <c>torch.device</c> in a pickle names them.</summary>
internal static class TorchDevices
{
    // From c10/core/Device.cpp. An index has eight bits.
    private const int MostDevices = 127;

    private static readonly FrozenSet<string> DeviceTypes = new[]
    {
        "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy", "vulkan", "mps",
        "meta", "hpu", "mtia", "privateuseone",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Returns the device of <c>'cuda'</c>, <c>'cuda:0'</c>, or <c>'cuda', 0</c>. Each device has one text form.</summary>
    /// <exception cref="InvalidCastException">PyTorch has no such device.</exception>
    public static TorchConstant Of(ReadOnlySpan<object?> arguments, FileBudget budget)
    {
        string word = CallArgument.Word(arguments[0], budget);
        budget.Spend(4 * FileBudget.Text(2 * CallArgument.LongestWord));
        int colon = word.IndexOf(':', StringComparison.Ordinal);
        string type = colon < 0 ? word : word[..colon];
        long? index = null;
        if (colon >= 0)
        {
            // Without leading zeros.
            ReadOnlySpan<char> digits = word.AsSpan(colon + 1);
            index =
                digits is ['0'] or [>= '1' and <= '9', ..]
                && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long parsed)
                    ? parsed
                    : throw new InvalidCastException();
        }
        if (arguments.Length == 2)
        {
            index = index is null ? (long)arguments[1]! : throw new InvalidCastException();
        }
        if (arguments.Length > 2 || index is < 0 or > MostDevices || !DeviceTypes.Contains(type))
        {
            throw new InvalidCastException();
        }
        return index is null
            ? new TorchConstant($"device(type='{type}')") { Text = type }
            : new TorchConstant($"device(type='{type}', index={index})") { Text = $"{type}:{index}" };
    }
}
