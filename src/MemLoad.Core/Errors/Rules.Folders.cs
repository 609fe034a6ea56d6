namespace MemLoad;

/// <summary>Rules on folders, shards and their index (ML5xxx).</summary>
public static partial class Rules
{
    private const string SaveIndexAgain = "Save the model again, or download its index and all its shards again.";

    /// <summary>The index has at most 100,000,000 bytes.</summary>
    public static readonly Rule IndexTooLarge = new("ML5001", "the index has at most 100,000,000 bytes",
        "Check that this is the index of a checkpoint.");

    /// <summary>The index is UTF-8, and so are the characters its escapes name.</summary>
    public static readonly Rule IndexEncoding = new("ML5002", "the index is UTF-8", SaveIndexAgain);

    /// <summary>The index is JSON as the standard has it.</summary>
    public static readonly Rule IndexSyntax = new("ML5003", "the index is JSON", SaveIndexAgain);

    /// <summary>No object of the index has a name twice: readers disagree on which of the two counts.</summary>
    public static readonly Rule IndexNameRepeated = new("ML5004", "names in the index are unique", SaveIndexAgain);

    /// <summary>The index is an object whose <c>weight_map</c> gives each tensor's name the name of a file.</summary>
    public static readonly Rule IndexForm = new("ML5005", "the index has a weight_map of file names", SaveIndexAgain);

    /// <summary>A shard is named by a plain file name: an index cannot reach out of its folder.</summary>
    public static readonly Rule ShardNamePlain = new("ML5006", "a shard lies beside its index",
        "Put the shards beside the index and name them in it without a folder; do not trust an index that points elsewhere.");

    /// <summary>Each shard that the index names is there.</summary>
    public static readonly Rule ShardMissing = new("ML5007", "all shards are there", "Download the missing shard into the folder of the index.");

    /// <summary>A shard is one file of tensors, and not an index or a folder in its turn.</summary>
    public static readonly Rule ShardKind = new("ML5008", "a shard is a file of tensors", SaveIndexAgain);

    /// <summary>Each tensor of the index is in the shard that the index says.</summary>
    public static readonly Rule TensorNotInShard = new("ML5009", "a shard has the tensors that the index promises", SaveIndexAgain);

    /// <summary>Each tensor of a shard is in the index, and under this shard.</summary>
    public static readonly Rule TensorNotInIndex = new("ML5010", "the index has the tensors of its shards", SaveIndexAgain);

    /// <summary>A folder has one index at most.</summary>
    public static readonly Rule FolderAmbiguous = new("ML5011", "a folder has one index",
        "Give the path of the index to open instead of the folder's.");

    /// <summary>A folder has files of tensors in it.</summary>
    public static readonly Rule FolderEmpty = new("ML5012", "a folder has files of tensors",
        "MemLoad looks for a *.index.json and for .safetensors, .pt, .pth and .bin files in the folder itself, not in folders below it.");

    /// <summary>Each file of a per-tensor folder holds one tensor.</summary>
    public static readonly Rule FileNotOneTensor = new("ML5013", "each file of a folder holds one tensor",
        "Give the path of the file to open, or keep only files of one bare tensor in the folder.");

    /// <summary>Each file of a per-tensor folder gives a name of its own.</summary>
    public static readonly Rule FileNameRepeated = new("ML5014", "each file of a folder gives another tensor",
        "Remove or rename one of the two files.");
}
