namespace MemLoad.Torch;

/// <summary>The cards that this libtorch can compute on.</summary>
internal static class CudaCards
{
    /// <summary>Returns each card, or one line with the reason why there is none. No context is created.</summary>
    public static IReadOnlyList<DeviceStatus> List()
    {
        if (ReasonForNone() is string reason)
        {
            return [new(TorchCudaDevice.NameOf(0), false, reason)];
        }
        return [.. CudaDriver.Here!.List().Select((card, number) => card with
        {
            Name = TorchCudaDevice.NameOf(number),
            Details = $"{card.Details} ({LibTorch.Versions})",
            Library = LibTorch.Versions,
            LibraryPath = LibTorch.Location,
        })];
    }

    /// <exception cref="MemLoadException">ML7004: the card does not exist.</exception>
    public static ICard Open(int number)
    {
        if (ReasonForNone() is string reason)
        {
            throw Rules.DeviceAbsent.Broken($"the device '{TorchCudaDevice.NameOf(number)}' cannot be used: {reason}");
        }
        CudaEnvironment.RequireUnchanged();
        int count = Math.Min(torch.cuda.device_count(), CudaDriver.Here!.Cards.Length);
        return number < count ? new Card(number)
            : throw Rules.DeviceAbsent.Broken($"there is no card '{TorchCudaDevice.NameOf(number)}': libtorch sees {count}");
    }

    // The driver is started before libtorch queries the cards, so that both have the same environment variables.
    private static string? ReasonForNone() =>
        !LibTorch.HasCuda
            ? $"the libtorch in {Path.GetDirectoryName(LibTorch.Location)} computes on the processor only: in a clone, "
                + $"./build.ps1 -Torch {(OperatingSystem.IsWindows() ? "cuda-windows" : "cuda-linux")} brings one for cards"
            : CudaDriver.Here is null ? CudaDriver.ReasonForNone
            : !torch.cuda.is_available() ? "libtorch finds no card that it can use" : null;

    private sealed unsafe class Card(int number) : ICard
    {
        private readonly CudaCard _card = CudaDriver.Here!.Cards[number];
        private readonly CudaContext _context = new(CudaDriver.Here!.Functions, CudaDriver.Here.Cards[number]);

        public string Product => _card.Product;
        public string Uuid => _card.Uuid;
        public string? DriverVersion => CudaDriver.Here!.Nvml.DriverVersion;
        public long TotalBytes => _card.TotalBytes;
        public long FreeBytes => _context.FreeBytes;

        public long? ProcessBytes => _card.Managed is GraphicsCard managed ? CudaDriver.Here!.Nvml.ProcessBytes(managed) : null;

        public torch.Tensor Allocate(long bytes) => torch.empty(bytes, torch.ScalarType.Byte, new torch.Device(DeviceType.CUDA, number));

        public nint AddressOf(torch.Tensor tensor) => TensorMemory.AddressOf(tensor);

        public nint OpenStream() => _context.CreateStream(waitsForDefaultStream: true);

        public void CloseStream(nint stream) => _context.DestroyStream(stream);

        public void Upload(nint stream, nint card, nint host, long bytes) => _context.Upload(stream, (ulong)card, (void*)host, bytes);

        public void Download(nint stream, nint host, nint card, long bytes) => _context.Download(stream, (void*)host, (ulong)card, bytes);

        public void CopyInside(nint stream, nint target, nint source, long bytes) =>
            _context.CopyInside(stream, (ulong)target, (ulong)source, bytes);

        public string? Pin(nint host, long bytes) => _context.Pin(host, bytes);

        public void Unpin(nint host) => _context.Unpin(host);

        public void Dispose() => _context.Dispose();
    }
}
