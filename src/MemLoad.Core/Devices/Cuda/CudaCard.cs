namespace MemLoad;

/// <summary>The facts about a card that CUDA can use. They need no context on the card.</summary>
/// <param name="Number">The CUDA number, as in <c>cuda:0</c>. It depends on CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER.</param>
/// <param name="Device">The number in the driver (CUdevice).</param>
/// <param name="Product">The product.</param>
/// <param name="Uuid">The id that does not depend on the order of the cards, such as <c>GPU-…</c>. Of the instance if the card is
/// split.</param>
/// <param name="TotalBytes">The memory of the card.</param>
/// <param name="IsIntegrated">Whether the memory of the card is that of the computer.</param>
/// <param name="Managed">The card in the management library; null if that does not answer.</param>
internal sealed record CudaCard(
    int Number, int Device, string Product, string Uuid, long TotalBytes, bool IsIntegrated, GraphicsCard? Managed)
{
    public string Name { get; } = NameOf(Number);

    /// <summary>The name of the device with a CUDA number.</summary>
    public static string NameOf(int number) => $"cuda:{number}";
}
