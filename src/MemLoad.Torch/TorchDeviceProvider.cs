using System.Globalization;

namespace MemLoad.Torch;

/// <summary>Provides the devices of libtorch. MemLoad.Core finds this class by its name when one of them is requested.</summary>
internal sealed class TorchDeviceProvider : IDeviceProvider
{
    public IReadOnlyList<DeviceStatus> List() =>
        LibTorch.WhyNot is string reason
            ? [new(TorchCpuDevice.DeviceName, false, reason), new(TorchCudaDevice.NameOf(0), false, reason)]
            : [new(TorchCpuDevice.DeviceName, true, $"host memory under tensors of libtorch ({LibTorch.Versions})", null,
                LibTorch.Versions, LibTorch.Location), .. CudaCards.List()];

    public IDevice Open(string name, long? capacityBytes)
    {
        LibTorch.Require(name);
        if (name == TorchCpuDevice.DeviceName)
        {
            return new TorchCpuDevice();
        }
        int number = int.Parse(name.AsSpan(name.LastIndexOf(':') + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        return new TorchCudaDevice(CudaCards.Open(number), number, capacityBytes);
    }
}
