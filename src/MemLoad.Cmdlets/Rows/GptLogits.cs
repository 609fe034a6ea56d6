namespace MemLoad;

/// <summary>The output of a GPT model for token ids.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Shape">Dimensions of the logits: 1, tokens, vocabulary.</param>
/// <param name="NextTokenId">The most likely token after the last one.</param>
/// <param name="Logits">All logits, row-major: one row with the length of the vocabulary per token.</param>
public sealed record GptLogits(string Model, string Shape, int NextTokenId, IReadOnlyList<float> Logits);
