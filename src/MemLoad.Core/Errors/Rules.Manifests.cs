namespace MemLoad;

/// <summary>Rules on manifests of weights (ML61xx).</summary>
internal static partial class Rules
{
    private static readonly Remedy MakeManifestAgain =
        $"Copy the manifest again, or create it again from weights that you trust: {Act.Manifest}.";

    // A manifest has at most 100,000,000 bytes, which is enough for half a million tensors.
    public static Rule ManifestTooLarge => field ??= new("ML6101", "a manifest has at most 100,000,000 bytes",
        $"Check that this is a manifest. For a larger model, create several manifests of parts of the checkpoint ({Setting.Include}).");

    // The manifest is UTF-8. Its escapes name valid characters.
    public static Rule ManifestEncoding => field ??= new("ML6102", "the manifest is UTF-8", MakeManifestAgain);
    public static Rule ManifestSyntax => field ??= new("ML6103", "the manifest is JSON", MakeManifestAgain);
    public static Rule ManifestNameRepeated => field ??= new("ML6104", "names in the manifest are unique", MakeManifestAgain);
    public static Rule ManifestForm => field ??= new("ML6105", "the manifest has the form that docs/digest.md defines", MakeManifestAgain);
    public static Rule ManifestVersion => field ??= new("ML6106", "the version of the manifest is supported",
        "Use the version of MemLoad that wrote it, or a later version.");

    // An entry has a name without control characters, a known dtype, a shape, the bytes that these two give, and a SHA-256 in hex.
    public static Rule ManifestTensor =>
        field ??= new("ML6107", "each tensor of the manifest has a name, dtype, shape, bytes and SHA-256 that agree", MakeManifestAgain);
    public static Rule ManifestDigest =>
        field ??= new("ML6108", "the WeightsDigest of the manifest is the digest of its tensors", MakeManifestAgain);
    public static Rule ManifestTensorsDiffer =>
        field ??= new("ML6110", "the weights have the tensors, dtypes and shapes that the manifest lists",
            $"Check that the manifest is of this model. Compare the manifest of a part of a file with a load of that part ({Setting.Key}), "
            + $"and the manifest of cast weights with a cast load.");
    public static Rule ManifestBytesDiffer => field ??= new("ML6111", "every tensor has the SHA-256 that the manifest lists",
        "Do not use these weights. Copy or download them again, and compare them with the manifest again.");
}
