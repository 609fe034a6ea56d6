namespace MemLoad;

/// <summary>
/// The exact identity of weights: the name, dtype, shape and SHA-256 of every tensor. It does not depend on the file, format or device, so
/// every copy can be compared with the original. docs/digest.md describes the text.
/// </summary>
public sealed class WeightManifest
{
    /// <summary>The version of the text format.</summary>
    public const int Version = 1;

    /// <summary>The extension of manifests.</summary>
    public const string Extension = ".manifest.json";

    internal WeightManifest(string? moduleVersion, string weightsDigest, ImmutableArray<TensorDigest> tensors)
    {
        ModuleVersion = moduleVersion;
        WeightsDigest = weightsDigest;
        Tensors = tensors;
    }

    /// <summary>The version of MemLoad that wrote the manifest. Null for another program.</summary>
    public string? ModuleVersion { get; }

    /// <summary>
    /// The digest of all tensors of the original manifest. It is the <c>WeightsDigest</c> of every row that loaded these weights.
    /// </summary>
    public string WeightsDigest { get; }

    /// <summary>The tensors.</summary>
    public ImmutableArray<TensorDigest> Tensors { get; }

    /// <summary>Creates the manifest of weights from the hashes of their tensors.</summary>
    /// <param name="source">The weights.</param>
    /// <param name="hashes">The result of <see cref="MemLoad.WeightsDigest.OfTensors"/>.</param>
    /// <exception cref="ArgumentException">There is not one hash per tensor.</exception>
    public static WeightManifest Of(IWeightSource source, string[] hashes)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(hashes);
        MemLoad.WeightsDigest.RequireOnePerTensor(hashes, source);
        ImmutableArray<TensorDigest> tensors = [.. MemLoad.WeightsDigest.Sorted(MemLoad.WeightsDigest.Describe(source, hashes))];
        return new WeightManifest(HostFacts.ModuleVersion, MemLoad.WeightsDigest.Of(tensors), tensors);
    }

    /// <summary>Reads a manifest and checks that its values are consistent.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="MemLoadException">ML1001 to ML1011 for the file, ML6101 to ML6108 for its content.</exception>
    public static WeightManifest Read(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return ManifestReader.Read(FullPath.Of(path), cancellationToken);
    }

    /// <summary>
    /// Selects a part of the manifest, as <see cref="Checkpoint.Select"/> selects a part of the checkpoint. A manifest that was created
    /// from the tensors below the key has no names below the key, and is not changed.
    /// </summary>
    /// <param name="key">Dotted name of a container or tensor.</param>
    /// <param name="include">Patterns of names to keep. Empty keeps all names.</param>
    /// <param name="exclude">Patterns of names to drop.</param>
    /// <exception cref="ArgumentException">A pattern is null.</exception>
    public WeightManifest Select(string? key, IReadOnlyList<string>? include = null, IReadOnlyList<string>? exclude = null)
    {
        var selection = new TensorSelection(key, include, exclude);
        ImmutableArray<TensorDigest> chosen = Tensors;
        if (selection.HasKey && Tensors.Any(tensor => selection.BelowKey(tensor.Name) is not null))
        {
            chosen =
            [
                .. Tensors
                    .Select(tensor => selection.BelowKey(tensor.Name) is string name ? tensor with { Name = name } : null)
                    .OfType<TensorDigest>(),
            ];
        }
        if (selection.HasPatterns)
        {
            chosen = [.. chosen.Where(tensor => selection.Keeps(tensor.Name))];
        }
        return chosen == Tensors ? this : new WeightManifest(ModuleVersion, WeightsDigest, chosen);
    }
}
