namespace MemLoad;

/// <summary>Rules on tensors and models (ML6xxx).</summary>
internal static partial class Rules
{
    private const string SaveAgain = "Write the file again with the program that made it.";
    public static Rule NameRepeated =>
        field ??= new("ML6001", "tensor names are unique",
            "Rename one of the tensors in the program that made the file, and write the file again.");

    // Dimensions, strides and offsets must be non-negative and their products must fit 64 bits.
    public static Rule ShapeInvalid => field ??= new("ML6002", "shapes, strides and offsets are valid", SaveAgain);
    public static Rule ViewOutsideStorage => field ??= new("ML6003", "each tensor is inside its storage", SaveAgain);
    public static Rule ViewTooLarge => field ??= new("ML6004", "an expanded view is within its limit",
        "Store the tensor without expanding it, or make it contiguous in PyTorch first.");
    public static Rule ViewsTooLarge => field ??= new("ML6012", "all views together are within their limit",
        "Store the tensors without expanding them, or make them contiguous in PyTorch first.");
    public static Rule TensorNameControl => field ??= new("ML6013", "tensor names have no control characters except tabs",
        "Rename the tensor. Terminals print names, and the digest is computed over lines of names.");
    public static Rule NameTooLong =>
        field ??= new("ML6014", "the length of tensor names is within the limit", "Rename the tensor, or save only the state dict.");
    public static Rule KeyNotFound => field ??= new("ML6005", "the key is in the checkpoint", $"List the names with {Act.Inspect}.");
    public static Rule NothingSelected => field ??= new("ML6006", "the checkpoint has tensors to load",
        $"List the names with {Act.Inspect} and widen the key, include or exclude pattern.");
    public static Rule RankOutside => field ??= new("ML6009", "the rank is from 0 to the number of ranks less 1",
        $"Give a rank from 0 to the number of ranks less 1 ({Setting.Rank} and {Setting.RankCount}).");
    public static Rule SliceInsideBlock => field ??= new("ML6017", "a split does not divide a block of packed elements",
        $"Exclude the tensor ({Setting.Exclude}), or give whole tensors to the ranks ({Setting.RankCount} without {Setting.Split}).");
    public static Rule SplitWithoutRanks => field ??= new("ML6018", "tensors are split among two ranks or more",
        $"Give the number of ranks ({Setting.RankCount}).");

    // A manifest has one hash per tensor.
    public static Rule SliceUnverifiable => field ??= new("ML6019", "only whole tensors are compared with a manifest",
        $"Leave out the manifest, or {Setting.Split}. {Act.Test} compares the files with a manifest.");
    public static Rule CastTargetUnsupported => field ??= new("ML6010", "weights are cast to float32, float16 or bfloat16",
        $"Give one of these types ({Setting.DType}), or none to load the weights as they are.");
    public static Rule CastStorageMixed => field ??= new("ML6011", "a storage that is cast contains elements of one dtype",
        $"Load the weights as they are, exclude one of the tensors ({Setting.Exclude}), or store them separately.");

    // Packed numbers and blocks of quantised numbers are loaded unchanged, because a cast would dequantise them.
    public static Rule CastPacked => field ??= new("ML6015", "packed numbers and blocks are not cast",
        $"Load the weights as they are, without a cast ({Setting.DType}), or exclude these tensors ({Setting.Exclude}).");
    public static Rule StateDictMismatch => field ??= new("ML6007", "the state dict matches the model",
        $"Choose the model that the checkpoint was written for ({Setting.Size}), or narrow the checkpoint with a key ({Setting.Key}).");
    public static Rule SizeUnknown => field ??= new("ML6008", "the model size is known",
        $"Sizes are gpt2-small, gpt2-medium, gpt2-large and gpt2-xl ({Setting.Size}).");
}
