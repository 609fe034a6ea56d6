namespace MemLoad;

/// <summary>Rules on folders, shards and their index (ML5xxx).</summary>
internal static partial class Rules
{
    private const string SaveIndexAgain = "Save the model again, or download its index and all its shards again.";

    // The index has at most 100,000,000 bytes.
    public static readonly Rule IndexTooLarge = new("ML5001", "the index has at most 100,000,000 bytes",
        "Check that this is the index of a checkpoint.");

    // The index is UTF-8, and so are the characters its escapes name.
    public static readonly Rule IndexEncoding = new("ML5002", "the index is UTF-8", SaveIndexAgain);
    public static readonly Rule IndexSyntax = new("ML5003", "the index is JSON", SaveIndexAgain);
    public static readonly Rule IndexNameRepeated = new("ML5004", "names in the index are unique", SaveIndexAgain);

    // The index is an object whose 'weight_map' gives each tensor's name the name of a file.
    public static readonly Rule IndexForm = new("ML5005", "the index has a weight_map of file names", SaveIndexAgain);
    public static readonly Rule ShardNamePlain = new("ML5006", "a shard lies beside its index",
        "Put the shards beside the index and name them in it without a folder; do not trust an index that points elsewhere.");
    public static readonly Rule ShardMissing = new("ML5007", "all shards are there", "Download the missing shard into the folder of the index.");
    public static readonly Rule ShardKind = new("ML5008", "a shard is a file of tensors", SaveIndexAgain);
    public static readonly Rule TensorNotInShard = new("ML5009", "a shard has the tensors that the index promises", SaveIndexAgain);
    public static readonly Rule TensorNotInIndex = new("ML5010", "the index has the tensors of its shards", SaveIndexAgain);
    public static readonly Rule FolderAmbiguous = new("ML5011", "a folder has one index",
        "Give the path of the index to open instead of the folder's.");
    public static readonly Rule FolderEmpty = new("ML5012", "a folder has files of tensors",
        "MemLoad looks for a *.index.json and for .safetensors, .pt, .pth and .bin files in the folder itself, not in folders below it.");
    public static readonly Rule FileNotOneTensor = new("ML5013", "each file of a folder holds one tensor",
        "Give the path of the file to open, or keep only files of one bare tensor in the folder.");
    public static readonly Rule FileNameRepeated = new("ML5014", "each file of a folder gives another tensor",
        "Remove or rename one of the two files.");
}
