namespace MemLoad;

/// <summary>A card, or an instance of a card that is split (MIG), in the management library of the driver.</summary>
/// <param name="Handle">The handle of the library.</param>
/// <param name="Uuid">The id that does not depend on the order of the cards, such as <c>GPU-…</c> or <c>MIG-…</c>.</param>
internal readonly record struct GraphicsCard(nint Handle, string Uuid);
