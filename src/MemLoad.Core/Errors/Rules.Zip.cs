namespace MemLoad;

/// <summary>Rules on PyTorch's zip archives (ML2xxx).</summary>
internal static partial class Rules
{
    private const string SaveWithTorch =
        "Load the file with PyTorch and write it again with torch.save(state_dict, path). If PyTorch cannot read it, get the file again.";

    // The end record must be the last 22 bytes, without comment and without trailing data.
    public static Rule ZipEndMissing => field ??= new("ML2001", "the archive ends with its end record", CopyAgain);

    // The central directory, the zip64 records and the counts must agree and be inside the file.
    public static Rule ZipDirectoryInvalid => field ??= new("ML2002", "the directory of the archive is valid", CopyAgain);
    public static Rule ZipHeaderMismatch => field ??= new("ML2003", "local and central headers agree", CopyAgain);

    // PyTorch stores records as they are. Libraries for .NET deflate them.
    public static Rule ZipCompressed => field ??= new("ML2004", "records are stored without compression, or deflated", SaveWithTorch);
    public static Rule ZipEncrypted =>
        field ??= new("ML2005", "records are not encrypted",
            "Decrypt the archive with the program that encrypted it, or get the file again.");
    public static Rule ZipNameRepeated => field ??= new("ML2006", "record names are unique", SaveWithTorch);
    public static Rule ZipNameInvalid => field ??= new("ML2007", "record names are plain paths under one folder", SaveWithTorch);
    public static Rule ZipOverlap => field ??= new("ML2008", "records do not overlap", SaveWithTorch);

    // An archive of PyTorch holds exactly one data.pkl.
    public static Rule ZipNotTorch => field ??= new("ML2009", "the archive was written by PyTorch",
        "Check that this is the right file: MemLoad reads only archives that torch.save wrote.");
    public static Rule ZipTorchScript => field ??= new("ML2010", "the archive is not a TorchScript program",
        "In Python: torch.save(torch.jit.load(path).state_dict(), new_path).");
    public static Rule ZipBigEndian => field ??= new("ML2011", "the archive states a supported byte order",
        "Load the file with PyTorch on a little-endian machine and write it again with torch.save(state_dict, path).");
    public static Rule StorageRecordMissing => field ??= new("ML2012", "the file contains every storage", CopyAgain);
    public static Rule StorageLengthMismatch => field ??= new("ML2013", "each storage has the length that the pickle states", CopyAgain);

    // From byte 0 to the directory there are only records and their data descriptors, and no bytes that a reader would skip.
    public static Rule ZipHidden => field ??= new("ML2014", "there are no bytes before, between or after the records", SaveWithTorch);

    // Only the flags of UTF-8 names, data descriptors and compression levels are known.
    public static Rule ZipFlags => field ??= new("ML2015", "records have no flags that PyTorch does not set", SaveWithTorch);

    // The format has no mark at its beginning, so its entries must fill the file.
    public static Rule TorchSharpLayout => field ??= new("ML2018", "the entries of a TorchSharp file fill it",
        "Save the module again with TorchSharp, or check that this is a file of weights.");

    // The bytes of a record have the CRC-32 that the directory states. The value 0 means that none was computed. Deep tests check this.
    // A deflated record gives the bytes that the directory states, no more and no fewer. It is inflated in pieces.
    public static Rule ZipInflates =>
        field ??= new("ML2017", "deflated records inflate to the length that the directory states", CopyAgain);
    public static Rule RecordChecksum => field ??= new("ML2016", "records have the checksum that the directory states", CopyAgain);
}
