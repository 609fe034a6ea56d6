using System.Collections.Immutable;

namespace MemLoad;

/// <summary>
/// What weights are, to the last bit: name, dtype, shape and SHA-256 of every tensor. The same for every file, format and device that holds them,
/// so that a copy can be held against the original wherever it went. As text: docs/digest.md.
/// </summary>
public sealed class WeightManifest
{
    /// <summary>The version of the text's form.</summary>
    public const int Version = 1;

    /// <summary>What names of manifests end in.</summary>
    public const string Extension = ".manifest.json";

    internal WeightManifest(string? moduleVersion, string weightsDigest, ImmutableArray<TensorDigest> tensors)
    {
        ModuleVersion = moduleVersion;
        WeightsDigest = weightsDigest;
        Tensors = tensors;
    }

    /// <summary>Version of the MemLoad that wrote it; null if another program did.</summary>
    public string? ModuleVersion { get; }

    /// <summary>The digest of all tensors of the manifest as it was made: the <c>WeightsDigest</c> of every row that loaded these weights.</summary>
    public string WeightsDigest { get; }

    /// <summary>The tensors.</summary>
    public ImmutableArray<TensorDigest> Tensors { get; }

    /// <summary>The manifest of weights whose tensors have been hashed.</summary>
    /// <param name="source">The weights.</param>
    /// <param name="hashes">From <see cref="MemLoad.WeightsDigest.OfTensors"/>.</param>
    public static WeightManifest Of(IWeightSource source, string[] hashes)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(hashes);
        ImmutableArray<TensorDigest> tensors = [.. MemLoad.WeightsDigest.Sorted(MemLoad.WeightsDigest.Describe(source, hashes))];
        return new WeightManifest(HostFacts.ModuleVersion, MemLoad.WeightsDigest.Of(tensors), tensors);
    }

    /// <summary>Reads a manifest and checks all that it says against itself.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="MemLoadException">ML1001 to ML1011 for the file, ML6101 to ML6108 for what is in it.</exception>
    public static WeightManifest Read(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return ManifestReader.Read(FullPath.Of(path), cancellationToken);
    }

    /// <summary>
    /// Narrows the manifest as <see cref="Checkpoint.Select"/> narrows the checkpoint it is compared with. A manifest that was made of what lies
    /// below the key has nothing below it any more and stays as it is.
    /// </summary>
    /// <param name="key">Dotted name of a container or tensor.</param>
    /// <param name="include">Patterns of names to keep; all if empty.</param>
    /// <param name="exclude">Patterns of names to drop.</param>
    public WeightManifest Select(string? key, IReadOnlyList<string>? include = null, IReadOnlyList<string>? exclude = null)
    {
        var selection = new TensorSelection(key, include, exclude);
        ImmutableArray<TensorDigest> chosen = Tensors;
        if (selection.HasKey && Tensors.Any(tensor => selection.BelowKey(tensor.Name) is not null))
        {
            chosen =
            [
                .. Tensors.Select(tensor => selection.BelowKey(tensor.Name) is string name ? tensor with { Name = name } : null).OfType<TensorDigest>(),
            ];
        }
        if (selection.HasPatterns)
        {
            chosen = [.. chosen.Where(tensor => selection.Keeps(tensor.Name))];
        }
        return chosen == Tensors ? this : new WeightManifest(ModuleVersion, WeightsDigest, chosen);
    }
}
