using System.Globalization;
using TorchSharp;

namespace MemLoad.Torch;

/// <summary>The cards that this libtorch can compute on.</summary>
internal static class CudaCards
{
    /// <summary>Returns each card, or one line with the reason why there is none.</summary>
    public static IReadOnlyList<DeviceStatus> List()
    {
        if (WhyNone() is string reason)
        {
            return [new("cuda:0", false, reason)];
        }
        return [.. Enumerable.Range(0, torch.cuda.device_count()).Select(number =>
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"cuda:{number}");
            try
            {
                using var card = new Card(number);
                GraphicsCard? managed = GraphicsCards.List().FirstOrDefault(other => other.BusId.EndsWith(card.BusId, StringComparison.OrdinalIgnoreCase));
                string driver = managed is null ? "" : $", driver {managed.DriverVersion}";
                return new DeviceStatus(name, true, $"{card.Product}, {Printable.Bytes(card.TotalBytes)}{driver} ({LibTorch.Versions})", card.FreeBytes, LibTorch.Versions, LibTorch.Location);
            }
            catch (MemLoadException e)
            {
                return new DeviceStatus(name, false, e.Finding);
            }
        })];
    }

    /// <exception cref="MemLoadException">ML7004: the card does not exist.</exception>
    public static ICard Open(int number)
    {
        if (WhyNone() is string reason)
        {
            throw Rules.DeviceAbsent.Broken($"the device 'cuda:{number}' cannot be used: {reason}");
        }
        int count = torch.cuda.device_count();
        return number < count ? new Card(number) : throw Rules.DeviceAbsent.Broken($"there is no card 'cuda:{number}': libtorch sees {count}");
    }

    private static string? WhyNone()
    {
        IReadOnlyList<GraphicsCard> cards = GraphicsCards.List();
        string found = cards.Count == 0 ? "no NVIDIA driver answers" : $"{cards[0].Name}, driver {cards[0].DriverVersion}";
        return !LibTorch.HasCuda
            ? $"{found}; the libtorch in {Path.GetDirectoryName(LibTorch.Location)} computes on the processor only: in a clone, ./build.ps1 -Torch {(OperatingSystem.IsWindows() ? "cuda-windows" : "cuda-linux")} brings one for cards"
            : !torch.cuda.is_available() ? $"{found}; libtorch finds no card that it can use" : null;
    }

    private sealed class Card : ICard
    {
        private readonly int _number;
        private readonly int _device;
        private readonly nint _context;

        public Card(int number)
        {
            _number = number;
            (_device, _context) = CudaDriver.Retain(number);
            Product = CudaDriver.NameOf(_device);
            BusId = CudaDriver.BusIdOf(_device);
            CudaDriver.Enter(_context);
            TotalBytes = CudaDriver.Memory().Total;
        }

        public string Product { get; }

        public string BusId { get; }

        public long TotalBytes { get; }

        public long FreeBytes
        {
            get
            {
                CudaDriver.Enter(_context);
                return CudaDriver.Memory().Free;
            }
        }

        public torch.Tensor Allocate(long bytes) => torch.empty(bytes, torch.ScalarType.Byte, new torch.Device(DeviceType.CUDA, _number));

        public nint AddressOf(torch.Tensor tensor) => TensorMemory.AddressOf(tensor);

        public nint OpenStream()
        {
            CudaDriver.Enter(_context);
            return CudaDriver.CreateStream();
        }

        public void CloseStream(nint stream)
        {
            CudaDriver.Enter(_context);
            CudaDriver.DestroyStream(stream);
        }

        public void Upload(nint stream, nint card, nint host, long bytes)
        {
            CudaDriver.Enter(_context);
            CudaDriver.Upload(stream, card, host, bytes);
        }

        public void Download(nint stream, nint host, nint card, long bytes)
        {
            CudaDriver.Enter(_context);
            CudaDriver.Download(stream, host, card, bytes);
        }

        public void CopyInside(nint stream, nint target, nint source, long bytes)
        {
            CudaDriver.Enter(_context);
            CudaDriver.CopyInside(stream, target, source, bytes);
        }

        public bool TryPin(nint host, long bytes)
        {
            CudaDriver.Enter(_context);
            return CudaDriver.TryPin(host, bytes);
        }

        public void Unpin(nint host)
        {
            CudaDriver.Enter(_context);
            CudaDriver.Unpin(host);
        }

        public void Dispose() => CudaDriver.Release(_device);
    }
}
