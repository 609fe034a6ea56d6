namespace MemLoad;

/// <summary>A GPT model that can be run, whatever computes it. It looks at weights that someone else owns and must not outlive them.</summary>
public interface IGptModel
{
    /// <summary>The model's dimensions.</summary>
    GptConfig Config { get; }

    /// <summary>Runs one sequence of tokens through the model.</summary>
    /// <param name="tokenIds">At least one token id and at most <see cref="GptConfig.ContextLength"/> of them.</param>
    /// <param name="cancellationToken">Stops the pass.</param>
    /// <returns>The logits, row-major of shape (tokens, vocabulary).</returns>
    /// <exception cref="MemLoadException">ML6025: a token id outside the vocabulary; ML6026: no token, or too many.</exception>
    /// <exception cref="OperationCanceledException">The pass was stopped.</exception>
    float[] Forward(ReadOnlySpan<int> tokenIds, CancellationToken cancellationToken = default);
}
