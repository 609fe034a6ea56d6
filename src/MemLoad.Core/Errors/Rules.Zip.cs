namespace MemLoad;

/// <summary>Rules on PyTorch's zip archives (ML2xxx).</summary>
internal static partial class Rules
{
    private const string SaveWithTorch =
        "Load the file with PyTorch and write it again with torch.save(state_dict, path). If PyTorch cannot read it, get the file again.";

    // The end record must be the last 22 bytes, without comment and without trailing data.
    public static readonly Rule ZipEndMissing = new("ML2001", "the archive ends with its end record", CopyAgain);

    // Central directory, zip64 records and counts must agree and lie inside the file.
    public static readonly Rule ZipDirectoryInvalid = new("ML2002", "the directory of the archive is valid", CopyAgain);
    public static readonly Rule ZipHeaderMismatch = new("ML2003", "local and central headers agree", CopyAgain);

    // PyTorch stores records as they are. Libraries for .NET deflate them.
    public static readonly Rule ZipCompressed = new("ML2004", "records are stored as they are, or deflated", SaveWithTorch);
    public static readonly Rule ZipEncrypted =
        new("ML2005", "records are not encrypted", "Decrypt the archive with the program that encrypted it, or get the file again.");
    public static readonly Rule ZipNameRepeated = new("ML2006", "record names are unique", SaveWithTorch);
    public static readonly Rule ZipNameInvalid = new("ML2007", "record names are plain paths under one folder", SaveWithTorch);
    public static readonly Rule ZipOverlap = new("ML2008", "records do not overlap", SaveWithTorch);

    // An archive of PyTorch holds exactly one data.pkl.
    public static readonly Rule ZipNotTorch = new("ML2009", "the archive was written by PyTorch",
        "Check that this is the right file: MemLoad reads only archives that torch.save wrote.");
    public static readonly Rule ZipTorchScript = new("ML2010", "the archive is not a TorchScript program",
        "In Python: torch.save(torch.jit.load(path).state_dict(), new_path).");
    public static readonly Rule ZipBigEndian = new("ML2011", "the archive says which byte of a number is first",
        "Load the file with PyTorch on a little-endian machine and write it again with torch.save(state_dict, path).");
    public static readonly Rule StorageRecordMissing = new("ML2012", "the file has every storage", CopyAgain);
    public static readonly Rule StorageLengthMismatch = new("ML2013", "each storage has the length that the pickle states", CopyAgain);

    // From byte 0 to the directory there are only records and their data descriptors, and no bytes that a reader would skip.
    public static readonly Rule ZipHidden = new("ML2014", "there are no bytes before, between or after the records", SaveWithTorch);

    // Of the flags only those of UTF-8 names, data descriptors and compression levels are known.
    public static readonly Rule ZipFlags = new("ML2015", "records have no flags that PyTorch does not set", SaveWithTorch);

    // The format has no mark at its beginning, so its entries must fill the file.
    public static readonly Rule TorchSharpLayout = new("ML2018", "a file of TorchSharp has its entries one after the other to its end",
        "Save the module again with TorchSharp, or check that this is a file of weights.");

    // The bytes of a record have the CRC-32 that the directory states. The value 0 means that none was computed. Deep tests check this.
    // A deflated record gives the bytes that the directory states, no more and no fewer. It is inflated in pieces.
    public static readonly Rule ZipInflates = new("ML2017", "deflated records inflate to the length that the directory states", CopyAgain);
    public static readonly Rule RecordChecksum = new("ML2016", "records have the checksum that the directory states", CopyAgain);
}
