using System.Text;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Corpus;

/// <summary>Archives whose container has incorrect, hidden, overlapping or excessive records. The pickle is sound.</summary>
internal static class ZipCorpus
{
    private static readonly byte[] Sound = ZipForge.Torch();

    public static IEnumerable<HostileFile> Files =>
        [
            // The end of the archive
            Raw("cut before the end record", "ML2001", Sound[..^22]),
            Raw("cut in the end record", "ML2001", Sound[..^1]),
            Raw("cut in the directory", "ML2001", Sound[..^60]),
            Raw("cut in the first record", "ML2001", Sound[..60]),
            Raw("less than an end record", "ML1005", Sound[..10]),
            Raw("nothing but an end record", "ML2009", [.. "PK\x05\x06"u8, .. new byte[18]]),
            Zip("a comment on the archive", "ML2001", zip => zip.Comment = "hello"u8.ToArray()),
            Zip("a comment that holds another end record", "ML2002", zip => zip.Comment = [.. "PK\x05\x06"u8, .. new byte[18]]),
            Zip("bytes behind the archive", "ML2001", zip => zip.Trailing = [0]),
            Zip("a page of zeros behind the archive", "ML2001", zip => zip.Trailing = new byte[4096]),
            Zip("an archive behind the archive", "ML2002", zip => zip.Trailing = Sound),
            Zip("a script behind the archive", "ML2001", zip => zip.Trailing = "import os; os.system('id')\n"u8.ToArray()),
            Zip("an end record of another signature", "ML2001", zip => zip.EndSignature = 0x06054b51),
            Zip("several disks", "ML2002", zip => zip.Disk = 1),
            Zip("a directory on another disk", "ML2002", zip => zip.DirectoryDisk = 1),
            Zip("two counts of entries", "ML2002", zip => zip.DiskCount = 3),
            // The directory
            Zip("one entry less than there are", "ML2002", zip => zip.Count = 3),
            Zip("one entry more than there are", "ML2002", zip => zip.Count = 5),
            Zip("no entry where there are four", "ML2002", zip => zip.Count = 0),
            Zip("65,535 entries where there are four", "ML2002", zip => zip.Count = ushort.MaxValue),
            Zip("a directory a byte too long", "ML2002", zip => zip.DirectoryLength = 1 + DirectoryBytes),
            Zip("a directory a byte too short", "ML2002", zip => zip.DirectoryLength = DirectoryBytes - 1),
            Zip("a directory of 4 GiB", "ML2002", zip => zip.DirectoryLength = uint.MaxValue),
            Zip("a directory at byte 0", "ML2002", zip => zip.DirectoryOffset = 0),
            Zip("a directory beyond the file", "ML2002", zip => zip.DirectoryOffset = uint.MaxValue - 1),
            Zip("bytes behind the entries", "ML2002", zip => zip.AfterDirectory = new byte[46]),
            Zip("an entry of another signature", "ML2002", zip => zip["data/0"].CentralSignature = 0x02014b51),
            Zip("a name that runs past the directory", "ML2002", zip => zip["version"].CentralNameLength = 60000),
            Zip("an extra field that runs past the directory", "ML2002", zip => zip["version"].CentralExtraLength = 60000),
            Zip("an extra field that runs past its entry", "ML2002", zip => zip["data/0"].CentralExtra = [0x46, 0x42, 0xff, 0x7f]),
            Zip("a record on another disk", "ML2002", zip => zip["data/0"].Disk = 1),
            Zip("a record beyond the file", "ML2002", zip => zip["data/0"].Offset = 0x7fffffff),
            Zip("a record in the directory", "ML2002", zip => zip["data/0"].Offset = (uint)Sound.Length - 100),
            Zip("a record longer than the file", "ML2002", zip => zip["data/0"].Stored = zip["data/0"].Length = 1 << 30),
            Zip("an unlisted pickle before the listed one", "ML2014", zip => Hide(zip, 0, "archive/data.pkl")),
            Zip("no data.pkl", "ML2009", zip => zip.Records.RemoveAt(0)),
            Zip("two folders with a data.pkl", "ML2009", zip => zip.Add("other/data.pkl", Whole(EmptyDict))),
            Zip("a data.pkl in a folder below", "ML2009", zip => zip["data.pkl"].Name = "archive/x/data.pkl"u8.ToArray()),
            Zip("a data.pkl without folder", "ML2009", zip => zip["data.pkl"].Name = "data.pkl"u8.ToArray()),
            Zip("an evildata.pkl", "ML2009", zip => zip["data.pkl"].Name = "archive/evildata.pkl"u8.ToArray()),
            Zip("a program, and a checksum of the pickle that is wrong", "ML3010", zip =>
                (zip["data.pkl"].Data, zip["data.pkl"].Crc, zip["data.pkl"].LocalCrc) = (Program, 1, 1)),
            Zip("a record outside the folder", "ML2007", zip => zip.Add("other/data/0", [1])),
            Zip("a TorchScript program", "ML2010", zip => zip.Add("archive/code/__torch__.py", "import os"u8.ToArray())),
            Zip("TorchScript's constants", "ML2010", zip => zip.Add("archive/constants.pkl", Whole(EmptyTuple))),
            // Local headers against the directory
            Zip("a local header of another signature", "ML2003", zip => zip["data/0"].LocalSignature = 0x04034b51),
            Zip("another name in the local header", "ML2003", zip => zip["data/0"].LocalName = "archive/data/1"u8.ToArray()),
            Zip("data.pkl under another name in the local header", "ML2003", zip =>
                zip["data.pkl"].LocalName = "archive/data.txt"u8.ToArray()),
            Zip("a shorter name in the local header", "ML2003", zip => zip["data/0"].LocalName = "archive/data/"u8.ToArray()),
            Zip("a length of the local name that lies", "ML2003", zip => zip["data/0"].LocalNameLength = 3),
            Zip("another method in the local header", "ML2003", zip => zip["data/0"].LocalMethod = 8),
            Zip("other flags in the local header", "ML2003", zip => zip["data/0"].LocalFlags = 0x0800),
            Zip("encryption in the local header only", "ML2003", zip => zip["data.pkl"].LocalFlags = 1),
            Zip("another length in the local header", "ML2003", zip => zip["data/0"].LocalLength = 15),
            Zip("another stored length in the local header", "ML2003", zip => zip["data/0"].LocalStored = 17),
            Zip("lengths of 0 in the local header and no descriptor", "ML2003", zip =>
                zip["data/0"].LocalLength = zip["data/0"].LocalStored = 0),
            Zip("another checksum in the local header", "ML2003", zip => zip["data/0"].LocalCrc = 1),
            Zip("a local extra field that covers the record", "ML2002", zip => zip["version"].LocalExtraLength = 4096),
            Zip("a local extra field that shifts the data", "ML2008", zip => zip["data/0"].LocalExtraLength = 4),
            // Flags and methods
            Zip("encrypted", "ML2005", zip => zip["data/0"].Flags = 0x0001),
            Zip("strongly encrypted", "ML2005", zip => zip["data/0"].Flags = 0x0041),
            Zip("a masked header", "ML2005", zip => zip["data/0"].Flags = 0x2000),
            Zip("a patch (flag 5)", "ML2015", zip => zip["data/0"].Flags = 0x0020),
            Zip("a storage that says it is a folder", "ML2015", zip => zip["data/0"].ExternalAttributes = 0x10),
            Zip("a storage that is named like a folder", "ML2015", zip => zip["data/0"].Name = "archive/data/0/"u8.ToArray()),
            Zip("reserved flag 4", "ML2015", zip => zip["data.pkl"].Flags = 0x0010),
            Zip("reserved flag 7", "ML2015", zip => zip["data.pkl"].Flags = 0x0080),
            Zip("reserved flag 14", "ML2015", zip => zip["data.pkl"].Flags = 0x4000),
            Zip("a bomb: 16 MiB of zeros, deflated", "ML2013", zip =>
            {
                zip["data/0"].Data = new byte[16 << 20];
                Compress(zip["data/0"], 8);
            }),
            Zip("a deflated storage longer than deflate gives", "ML2017", zip =>
            {
                zip["data/0"].Data = [3, 0];
                (zip["data/0"].Method, zip["data/0"].Length) = (8, 16 << 20);
                zip["data.pkl"].Data = Whole(Dict(("a", Tensor(Storage(count: 4 << 20)))));
            }),
            Zip("a deflated pickle of another checksum", "ML2016", zip =>
            {
                Compress(zip["data.pkl"], 8);
                zip["data.pkl"].Crc = zip["data.pkl"].LocalCrc = 1;
            }),
            Zip("a deflated pickle longer than its bytes", "ML2017", zip =>
            {
                Compress(zip["data.pkl"], 8);
                zip["data.pkl"].Length += 1;
            }),
            Zip("a deflated pickle shorter than its bytes", "ML2017", zip =>
            {
                Compress(zip["data.pkl"], 8);
                zip["data.pkl"].Length -= 1;
            }),
            Zip("a deflated pickle of 100 MB", "ML2017", zip =>
            {
                Compress(zip["data.pkl"], 8);
                zip["data.pkl"].Length = 100_000_000;
            }),
            Zip("a deflated pickle that is not deflated", "ML2017", zip => zip["data.pkl"].Method = 8),
            Zip("a deflated pickle that runs a program", "ML3010", zip =>
            {
                zip["data.pkl"].Data = Program;
                Compress(zip["data.pkl"], 8);
            }),
            Zip("a bzip2 storage", "ML2004", zip => zip["data/0"].Method = 12),
            Zip("an LZMA storage", "ML2004", zip => zip["data/0"].Method = 14),
            Zip("a zstd storage", "ML2004", zip => zip["data/0"].Method = 93),
            Zip("an unknown method", "ML2004", zip => zip["data/0"].Method = 0x7777),
            Zip("stored with two lengths", "ML2004", zip => zip["data/0"].Length = 32),
            // The positions of records
            Zip("bytes before the first record", "ML2014", zip => zip.Before = [.. "PK\x03\x04"u8, .. new byte[60]]),
            Zip("bytes between records", "ML2014", zip => zip["data/0"].After = [1, 2, 3]),
            Zip("bytes before the directory", "ML2014", zip => zip.BeforeDirectory = new byte[100]),
            Zip("a hidden record between records", "ML2014", zip => Hide(zip, 2, "archive/data/9")),
            Zip("a hidden record at the end", "ML2014", zip => Hide(zip, 4, "archive/evil.py")),
            Zip("two entries for one record", "ML2003", zip => zip.Records.Add(Twin(zip, "archive/data/1", 0))),
            Zip("a record inside another's data", "ML2008", Nest),
            Zip("quoted overlap: each record's data holds the next", "ML2008", Quoted),
            Zip("full overlap: a hundred names for one record", "ML2003", zip =>
            {
                for (int i = 1; i <= 100; i++)
                {
                    zip.Records.Add(Twin(zip, $"archive/data/{i}", 0));
                }
            }),
            // Data descriptors
            Zip("a descriptor flag and no descriptor", "ML2014", zip => zip["data/0"].Flags = 8),
            Zip("a descriptor of another checksum", "ML2003", zip => Defer(zip["data/0"], record => record.Descriptor(crc: 1))),
            Zip("a descriptor of another length", "ML2003", zip => Defer(zip["data/0"], record => record.Descriptor(length: 15))),
            Zip("a descriptor of another stored length", "ML2003", zip => Defer(zip["data/0"], record => record.Descriptor(stored: 1))),
            Zip("a descriptor of another signature", "ML2003", zip => Defer(zip["data/0"], record => [0, .. record.Descriptor()[1..]])),
            Zip("a descriptor without the flag", "ML2014", zip => zip["data/0"].After = zip["data/0"].Descriptor()),
            Zip("a descriptor and bytes behind it", "ML2014", zip => Defer(zip["data/0"], record => [.. record.Descriptor(), 0])),
            // zip64
            Zip("a zip64 record of another signature", "ML2002", zip =>
                zip.Zip64 = (n, l, o, at) => ZipForge.Zip64End(n, l, o, at, signature: 1)),
            Zip("a zip64 record of another size", "ML2002", zip => zip.Zip64 = (n, l, o, at) => ZipForge.Zip64End(n, l, o, at, size: 45)),
            Zip("a zip64 record on another disk", "ML2002", zip => zip.Zip64 = (n, l, o, at) => ZipForge.Zip64End(n, l, o, at, disk: 1)),
            Zip("a zip64 record with two counts", "ML2002", zip =>
                zip.Zip64 = (n, l, o, at) => ZipForge.Zip64End(n, l, o, at, diskCount: 1)),
            Zip("a zip64 count that the end record does not share", "ML2002", zip =>
                zip.Zip64 = (n, l, o, at) => ZipForge.Zip64End(n - 1, l, o, at)),
            Zip("a zip64 directory elsewhere", "ML2002", zip => zip.Zip64 = (n, l, o, at) => ZipForge.Zip64End(n, l, o - 1, at)),
            Zip("a zip64 count of 2⁶³", "ML2002", zip => zip.Zip64 = (n, l, o, at) => ZipForge.Zip64End(1UL << 63, l, o, at)),
            Zip("a zip64 count of 2⁴⁰", "ML2002", zip =>
                (zip.Count, zip.Zip64) = (ushort.MaxValue, (n, l, o, at) => ZipForge.Zip64End(1UL << 40, l, o, at))),
            Zip("a zip64 length of 2⁶²", "ML2002", zip =>
                (zip.DirectoryLength, zip.Zip64) = (uint.MaxValue, (n, l, o, at) => ZipForge.Zip64End(n, 1UL << 62, o, at))),
            Zip("a locator that points to byte 0", "ML2002", zip =>
                zip.Zip64 = (n, l, o, at) => ZipForge.Zip64End(n, l, o, at, locator: 0)),
            Zip("a locator that points beyond the file", "ML2002", zip =>
                zip.Zip64 = (n, l, o, at) => ZipForge.Zip64End(n, l, o, at, locator: 1UL << 62)),
            Zip("a locator that is negative", "ML2002", zip =>
                zip.Zip64 = (n, l, o, at) => ZipForge.Zip64End(n, l, o, at, locator: ulong.MaxValue)),
            Zip("a locator of several disks", "ML2002", zip => zip.Zip64 = (n, l, o, at) => ZipForge.Zip64End(n, l, o, at, disks: 2)),
            Zip("an end record that points to a zip64 record which is not there", "ML2002", zip =>
                (zip.Count, zip.DirectoryLength, zip.DirectoryOffset) = (ushort.MaxValue, uint.MaxValue, uint.MaxValue)),
            Zip("a zip64 length without its field", "ML2002", zip => zip["data/0"].Stored = zip["data/0"].Length = uint.MaxValue),
            Zip("a zip64 field too short", "ML2002", zip => Wide(zip["data/0"], [1, 0, 4, 0, 0, 0, 0, 0])),
            Zip("a zip64 length that is negative", "ML2002", zip => Wide(zip["data/0"], Zip64Field(ulong.MaxValue, ulong.MaxValue))),
            Zip("a zip64 field of 2⁶²", "ML2002", zip => Wide(zip["data/0"], Zip64Field(1UL << 62, 1UL << 62))),
            Zip("two zip64 fields", "ML2002", zip => Wide(zip["data/0"], [.. Zip64Field(16, 16), .. Zip64Field(8, 8)])),
            Zip("a local zip64 field that lies", "ML2003", zip =>
                (zip["data/0"].LocalStored, zip["data/0"].LocalLength, zip["data/0"].LocalExtra) = (
                    uint.MaxValue,
                    uint.MaxValue,
                    Zip64Field(8, 8))),
            Zip("a local zip64 length without its field", "ML2002", zip =>
                zip["data/0"].LocalStored = zip["data/0"].LocalLength = uint.MaxValue),
            Zip("a zip64 offset beyond the file", "ML2002", zip =>
                (zip["data/0"].Offset, zip["data/0"].CentralExtra) = (uint.MaxValue, [1, 0, 8, 0, .. Eight(1UL << 61)])),
            // Names
            Zip("a name twice", "ML2006", zip => zip.Add("archive/data/0", new byte[16])),
            Zip("data.pkl twice", "ML2006", zip => zip.Add("archive/data.pkl", Whole(EmptyDict))),
            Zip("names that differ in case only", "ML2006", zip => zip.Add("archive/DATA/0", new byte[16])),
            Zip("data.pkl in capitals as well", "ML2006", zip => zip.Add("archive/Data.pkl", Whole(EmptyDict))),
            .. Names(
                ("a way out of the folder", "archive/../../etc/passwd"),
                ("a way out at the beginning", "../data/0"),
                ("a way out at the end", "archive/data/.."),
                ("an absolute path", "/etc/passwd"),
                ("a drive", "C:/archive/data/1"),
                ("another stream", "archive/data/1:hidden"),
                ("a backslash", @"archive\data\1"),
                ("a way out by backslashes", @"archive\..\..\x"),
                ("a dot folder", "archive/./data/1"),
                ("two slashes", "archive//data/1"),
                ("no name", ""),
                ("a line break", "archive/data/1\nx"),
                ("a zero byte", "archive/data/1\0.txt"),
                ("an escape sequence", "archive/\e[2Jdata"),
                ("a byte-order mark", "\uFEFFarchive/data/1"),
                ("a byte-order mark inside", "archive/\uFEFFdata.pkl"),
                ("text that runs backwards", "archive/\u202Elkp.atad"),
                ("a zero-width space", "archive/data\u200B/0")),
            Zip("a name that is not UTF-8", "ML2007", zip => zip.Add("x", [1]).Name = [.. "archive/"u8, 0xff, 0xfe]),
            Zip("an overlong way out", "ML2007", zip => zip.Add("x", [1]).Name = [.. "archive/"u8, 0xc0, 0xae, 0xc0, 0xae, .. "/x"u8]),
            Zip("a second name in an extra field", "ML2007", zip =>
                zip["data/0"].CentralExtra = [0x75, 0x70, 6, 0, 1, 0, 0, 0, 0, (byte)'x']),
            // The content of the records
            Zip("no known byte order", "ML2011", zip => zip["byteorder"].Data = "middle"u8.ToArray()),
            Zip("a byte order with a byte-order mark", "ML2011", zip => zip["byteorder"].Data = [0xef, 0xbb, 0xbf, .. "little"u8]),
            Zip("an empty byte order", "ML2011", zip => zip["byteorder"].Data = []),
            Zip("a byte order of 1 MiB", "ML2011", zip => zip["byteorder"].Data = new byte[1 << 20]),
            Zip("an empty pickle", "ML1005", zip => zip["data.pkl"].Data = []),
            Zip("a storage without record", "ML2012", zip => zip.Records.Remove(zip["data/0"])),
            Zip("evildata/0 in the place of data/0", "ML2012", zip => zip["data/0"].Name = "archive/evildata/0"u8.ToArray()),
            Zip("a storage shorter than the pickle says", "ML2013", zip => zip["data/0"].Data = new byte[15]),
            Zip("a storage longer than the pickle says", "ML2013", zip => zip["data/0"].Data = new byte[17]),
            Zip("an empty storage", "ML2013", zip => zip["data/0"].Data = []),
        ];

    private static uint DirectoryBytes =>
        (uint)((4 * 46) + "archive/data.pkl".Length + "archive/byteorder".Length + "archive/data/0".Length + "archive/version".Length);

    private static byte[] Program => Whole(Call("os", "system", Text($"touch {PickleCorpus.Trace}")));

    private static HostileFile Zip(string name, string rule, Action<ZipForge> change) =>
        HostileFile.Of(HostileFile.Zip, name, rule, "x.pth", () => ZipForge.Torch(change));

    private static HostileFile Raw(string name, string rule, byte[] content) =>
        HostileFile.Of(HostileFile.Zip, name, rule, "x.pth", () => content);

    private static IEnumerable<HostileFile> Names(params (string What, string Name)[] names) =>
        names.Select(name =>
            Zip($"a record name with {name.What}", "ML2007", zip => zip.Add("x", [1]).Name = Encoding.UTF8.GetBytes(name.Name)));

    private static void Hide(ZipForge zip, int at, string name) =>
        zip.Records.Insert(at, new ForgedRecord(name, Program) { Listed = false });

    private static ForgedRecord Twin(ZipForge zip, string name, uint offset) =>
        new(name, zip["data.pkl"].Data)
        {
            Written = false,
            Offset = offset,
            LocalName = zip["data.pkl"].Name,
            Name = Encoding.UTF8.GetBytes(name),
        };

    private static void Compress(ForgedRecord record, ushort method)
    {
        (uint crc, uint length) = (record.TrueCrc, (uint)record.Data.Length);
        record.Data = ZipForge.Deflate(record.Data);
        (record.Method, record.Crc, record.Length) = (method, crc, length);
    }

    private static void Defer(ForgedRecord record, Func<ForgedRecord, byte[]> after) => record.Defer(after(record));

    private static void Wide(ForgedRecord record, byte[] extra)
    {
        (record.LocalStored, record.LocalLength) = ((uint)record.Data.Length, (uint)record.Data.Length);
        (record.Stored, record.Length, record.CentralExtra) = (uint.MaxValue, uint.MaxValue, extra);
    }

    private static byte[] Zip64Field(ulong length, ulong stored) => [1, 0, 16, 0, .. Eight(length), .. Eight(stored)];

    // The data of one record holds a whole record, which is listed too.
    private static void Nest(ZipForge zip)
    {
        var inner = new ZipForge();
        inner.Add("archive/data/1", [1, 2, 3, 4]);
        byte[] local = inner.Bytes()[..(30 + "archive/data/1".Length + 4)];
        ForgedRecord host = zip.Add("archive/host", local);
        uint offset =
            (uint)zip.Records.SkipLast(1).Sum(record => 30 + record.Name.Length + record.Data.Length) + 30 + (uint)host.Name.Length;
        zip.Records.Add(new ForgedRecord("archive/data/1", [1, 2, 3, 4]) { Written = false, Offset = offset });
    }

    // The lengths of a record include the whole next record with its header.
    private static void Quoted(ZipForge zip)
    {
        uint next = (uint)(30 + zip["version"].Name.Length + zip["version"].Data.Length);
        ForgedRecord record = zip["data/0"];
        (record.Stored, record.Length) = (16 + next, 16 + next);
    }
}
