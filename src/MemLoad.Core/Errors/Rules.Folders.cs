namespace MemLoad;

/// <summary>Rules on folders, shards and their index (ML5xxx).</summary>
internal static partial class Rules
{
    private const string SaveIndexAgain = "Save the model again, or download its index and all its shards again.";

    // The index has at most 100,000,000 bytes.
    public static Rule IndexTooLarge => field ??= new("ML5001", "the index has at most 100,000,000 bytes",
        "Check that this is the index of a checkpoint.");

    // The index is UTF-8. Its escapes name valid characters.
    public static Rule IndexEncoding => field ??= new("ML5002", "the index is UTF-8", SaveIndexAgain);
    public static Rule IndexSyntax => field ??= new("ML5003", "the index is JSON", SaveIndexAgain);
    public static Rule IndexNameRepeated => field ??= new("ML5004", "names in the index are unique", SaveIndexAgain);

    // The index is an object whose 'weight_map' gives each tensor's name the name of a file.
    public static Rule IndexForm => field ??= new("ML5005", "the index has a weight_map of file names", SaveIndexAgain);
    public static Rule ShardNamePlain => field ??= new("ML5006", "each shard is in the folder of its index",
        "Put the shards into the folder of the index, and list their names without a folder. Do not trust an index that names other "
            + "folders.");
    public static Rule ShardMissing =>
        field ??= new("ML5007", "every shard exists", "Download the missing shard into the folder of the index.");
    public static Rule ShardKind => field ??= new("ML5008", "each shard is a tensor file", SaveIndexAgain);
    public static Rule TensorNotInShard => field ??= new("ML5009", "the shards contain the tensors that the index lists", SaveIndexAgain);
    public static Rule FolderAmbiguous => field ??= new("ML5011", "the folder has one index",
        "Give the path of the index to open, not the path of the folder.");
    public static Rule FolderEmpty => field ??= new("ML5012", "the folder contains tensor files",
        "MemLoad looks for an index (*.index.json) and for .safetensors, .sft, .gguf, .pt, .pth, .bin, .ckpt and .pth.tar files in the "
            + "folder itself, not in its subfolders.");
    public static Rule FileNotOneTensor => field ??= new("ML5013", "each file of the folder contains one tensor",
        "Give the path of the file to open, or keep only files with one tensor each in the folder.");
    public static Rule FileNameRepeated => field ??= new("ML5014", "each file of the folder holds a different tensor",
        "Remove or rename one of the two files.");

    // Parts are counted by their names, such as model-00001-of-00004.safetensors.
    public static Rule FolderIncomplete =>
        field ??= new("ML5015", "the folder contains all parts of its checkpoint", "Download the missing parts into the folder.");

    // In folders of training programs, each file has a part of the model.
    public static Rule FolderKind => field ??= new("ML5016", "the folder is a checkpoint that one reader can open",
        "Convert the checkpoint with the program that wrote it, or give the path of a file in it.");

    // A file of a distributed checkpoint cannot be read without the others.
    public static Rule DistributedFile =>
        field ??= new("ML5017", "a distributed checkpoint is opened by its folder", $"Give the path of the folder ({Setting.Path}).");

    // hf:// names a model in the cache of the Hugging Face hub. Nothing is downloaded.
    public static Rule HubMissing => field ??= new("ML5018", "the model and its revision are in the cache of the Hugging Face hub",
        "Download the model with: hf download ORG/NAME. MemLoad does not download models.");
    public static Rule DownloadIncomplete =>
        field ??= new("ML5019", "the download is complete", "Download the model again. Complete files are not downloaded again.");

    // The name of a blob is the hash of its content: SHA-256, or SHA-1 of a git object for small files.
    public static Rule PublisherHash => field ??= new("ML5020", "the content has the hash that its publisher gave it",
        "Do not use these weights. Delete the file and the blob that it links to. Then download the model again.");
    public static Rule HubAddress => field ??= new("ML5021", "an hf:// address names a model of the hub",
        "Write hf://ORG/NAME, hf://ORG/NAME@REVISION or hf://ORG/NAME/FILE, or the path of a folder models--ORG--NAME.");
}
