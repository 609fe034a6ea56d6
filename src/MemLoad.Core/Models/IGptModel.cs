namespace MemLoad;

/// <summary>A GPT model that can be run. It uses weights of another owner and must not be used after they are freed.</summary>
internal interface IGptModel
{
    GptConfig Config { get; }

    /// <summary>Runs one sequence of tokens through the model.</summary>
    /// <param name="tokenIds">Token ids, at least one and at most <see cref="GptConfig.ContextLength"/>.</param>
    /// <param name="cancellationToken">Stops the pass.</param>
    /// <returns>The logits, row-major of shape (tokens, vocabulary).</returns>
    /// <exception cref="MemLoadException">ML6025: a token id outside the vocabulary; ML6026: no token, or too many.</exception>
    /// <exception cref="OperationCanceledException">The pass was stopped.</exception>
    float[] Forward(ReadOnlySpan<int> tokenIds, CancellationToken cancellationToken = default);
}
