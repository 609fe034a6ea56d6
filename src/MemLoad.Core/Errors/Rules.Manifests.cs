namespace MemLoad;

/// <summary>Rules on manifests of weights (ML61xx).</summary>
internal static partial class Rules
{
    private const string MakeManifestAgain =
        "Copy the manifest again, or make it again from weights you trust: memload manifest (New-WeightManifest).";

    // A manifest has at most 100,000,000 bytes: half a million tensors.
    public static readonly Rule ManifestTooLarge = new("ML6101", "a manifest has at most 100,000,000 bytes",
        $"Check that this is a manifest; narrow the checkpoint ({Setting.Include}) to make several.");

    // The manifest is UTF-8, and so are the characters its escapes name.
    public static readonly Rule ManifestEncoding = new("ML6102", "a manifest is UTF-8", MakeManifestAgain);
    public static readonly Rule ManifestSyntax = new("ML6103", "a manifest is JSON", MakeManifestAgain);
    public static readonly Rule ManifestNameRepeated = new("ML6104", "names in a manifest are unique", MakeManifestAgain);
    public static readonly Rule ManifestForm = new("ML6105", "a manifest has the form that docs/digest.md gives it", MakeManifestAgain);
    public static readonly Rule ManifestVersion = new("ML6106", "a manifest's version is known", "Use the MemLoad that wrote it, or a later one.");

    // An entry has a name without control characters, a known dtype, a shape, the bytes that these two give, and a SHA-256 in hex.
    public static readonly Rule ManifestTensor = new("ML6107", "a tensor of a manifest has name, dtype, shape, bytes and SHA-256 that agree",
        MakeManifestAgain);
    public static readonly Rule ManifestDigest = new("ML6108", "a manifest's WeightsDigest is that of its tensors", MakeManifestAgain);
    public static readonly Rule ManifestTensorsDiffer = new("ML6110", "the weights have the tensors of the manifest, with their dtypes and shapes",
        $"Check that the manifest is of this model; one of a part of a file is for loads of that part ({Setting.Key}), and one of cast weights for cast loads.");
    public static readonly Rule ManifestBytesDiffer = new("ML6111", "every tensor has the bytes that the manifest was made from",
        "Do not use these weights: copy or download them again, and compare with the manifest again.");
}
