namespace MemLoad;

/// <summary>
/// A card, or an instance of a card that is split (MIG), in the management library of the driver. The id, such as <c>GPU-…</c> or
/// <c>MIG-…</c>, does not depend on the order of the cards.
/// </summary>
internal readonly record struct GraphicsCard(nint Handle, string Uuid);
