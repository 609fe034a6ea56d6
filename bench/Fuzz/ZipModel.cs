using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace MemLoad.Fuzz;

/// <summary>
/// The parts of an archive: headers, names, data and end records. Each part can be changed separately. The fields that depend on it are
/// then corrected or not.
/// </summary>
internal sealed class ZipModel
{
    private static readonly (int Offset, int Width)[] LocalFields =
    [
        (0, 4),
        (4, 2),
        (6, 2),
        (8, 2),
        (10, 2),
        (14, 4),
        (18, 4),
        (22, 4),
        (26, 2),
        (28, 2),
    ];
    private static readonly (int Offset, int Width)[] CentralFields =
        [(0, 4), (4, 2), (6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (34, 2), (36, 2), (38, 4), (42, 4)];
    private static readonly (int Offset, int Width)[] EndFields = [(0, 4), (4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)];
    private static readonly (int Offset, int Width)[] WideFields =
        [(0, 4), (4, 8), (12, 2), (14, 2), (16, 4), (20, 4), (24, 8), (32, 8), (40, 8), (48, 8), (56, 4), (60, 4), (64, 8), (72, 4)];

    public sealed class Record
    {
        public byte[] Local = [];
        public byte[] LocalName = [];
        public byte[] LocalExtra = [];
        public byte[] Data = [];
        public byte[] Tail = [];
        public byte[] Central = [];
        public byte[] Name = [];
        public byte[] Extra = [];
        public byte[] Comment = [];
        public string Text => Encoding.UTF8.GetString(Name);

        public Record Clone() =>
            new()
            {
                Local = [.. Local],
                LocalName = LocalName,
                LocalExtra = LocalExtra,
                Data = Data,
                Tail = Tail,
                Central = [.. Central],
                Name = Name,
                Extra = Extra,
                Comment = Comment,
            };
    }

    public List<Record> Records { get; private set; } = [];

    private byte[] _wide = []; // zip64 end record and locator
    private byte[] _end = [];

    /// <summary>Splits a sound archive into its parts. Returns null if it is not sound.</summary>
    public static ZipModel? Parse(byte[] zip)
    {
        if (zip.Length < 22 || BinaryPrimitives.ReadUInt32LittleEndian(zip.AsSpan(zip.Length - 22)) != 0x06054b50)
        {
            return null;
        }
        var model = new ZipModel { _end = zip[^22..] };
        int count = BinaryPrimitives.ReadUInt16LittleEndian(model._end.AsSpan(10));
        int directory = BinaryPrimitives.ReadInt32LittleEndian(model._end.AsSpan(16));
        int at = directory;
        for (int i = 0; i < count; i++)
        {
            byte[] central = zip[at..(at + 46)];
            int nameLength = U16(central, 28);
            int extraLength = U16(central, 30);
            int commentLength = U16(central, 32);
            int header = BinaryPrimitives.ReadInt32LittleEndian(central.AsSpan(42));
            int length = BinaryPrimitives.ReadInt32LittleEndian(central.AsSpan(20));
            int localName = U16(zip, header + 26);
            int localExtra = U16(zip, header + 28);
            int data = header + 30 + localName + localExtra;
            model.Records.Add(new Record
            {
                Central = central,
                Name = zip[(at + 46)..(at + 46 + nameLength)],
                Extra = zip[(at + 46 + nameLength)..(at + 46 + nameLength + extraLength)],
                Comment = zip[(at + 46 + nameLength + extraLength)..(at + 46 + nameLength + extraLength + commentLength)],
                Local = zip[header..(header + 30)],
                LocalName = zip[(header + 30)..(header + 30 + localName)],
                LocalExtra = zip[(header + 30 + localName)..data],
                Data = zip[data..(data + length)],
            });
            at += 46 + nameLength + extraLength + commentLength;
        }
        model._wide = zip[at..^22];
        for (int i = 0; i < count; i++)
        {
            Record record = model.Records[i];
            int header = BinaryPrimitives.ReadInt32LittleEndian(record.Central.AsSpan(42));
            int end = header + 30 + record.LocalName.Length + record.LocalExtra.Length + record.Data.Length;
            int next = model
                .Records.Select(other => BinaryPrimitives.ReadInt32LittleEndian(other.Central.AsSpan(42)))
                .Where(other => other > header)
                .DefaultIfEmpty(directory)
                .Min();
            record.Tail = zip[end..next];
        }
        return model;
    }

    public byte[] Mutate(IReadOnlyList<byte[]> pickles, ZipModel other, Dice dice)
    {
        Records = [.. Records.Select(record => record.Clone())];
        _end = [.. _end];
        _wide = [.. _wide];
        bool repair = !dice.OneIn(4);
        List<Action<byte[], int[], int>> patches = [];
        for (int times = 1 + (dice.OneIn(3) ? dice.Below(4) : 0); times > 0; times--)
        {
            Change(pickles, other, dice, patches);
        }
        return Write(repair, patches);
    }

    private void Change(IReadOnlyList<byte[]> pickles, ZipModel other, Dice dice, List<Action<byte[], int[], int>> patches)
    {
        int i = dice.Below(Records.Count);
        Record? record = Records.Count == 0 ? null : Records[i];
        int kind = dice.Below(20);
        if (record is null || kind == 0)
        {
            Records.Insert(i, dice.Of(other.Records).Clone());
            return;
        }
        switch (kind)
        {
            case 1:
                Records.RemoveAt(i);
                break;
            case 2:
                Records.Insert(dice.Below(Records.Count), record.Clone());
                break;
            case 3:
                int j = dice.Below(Records.Count);
                (Records[i], Records[j]) = (Records[j], Records[i]);
                break;
            case 4:
                record.Name = Name(record.Name, dice);
                record.LocalName = dice.OneIn(4) ? record.LocalName : record.Name;
                break;
            case 5:
                record.Extra = Bytes.Mutate(
                    record.Extra.Length == 0 ? [1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0] : record.Extra, record.LocalExtra, dice);
                break;
            case 6:
                record.LocalExtra = Bytes.Mutate(
                    record.LocalExtra.Length == 0 ? [1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0] : record.LocalExtra, record.Extra, dice);
                break;
            case 7:
                record.Data = Bytes.Mutate(record.Data, dice.Of(other.Records).Data, dice);
                break;
            case 8:
                record.Tail = Bytes.Mutate(record.Tail, record.Data, dice);
                break;
            case 9:
                bool inWide = dice.OneIn(2) && _wide.Length >= 76;
                (int endAt, int endWidth) = dice.Of(inWide ? WideFields : EndFields);
                ulong endRoll = dice.Next();
                patches.Add((file, _, _) => Patch(file, [Math.Max(0, file.Length - (inWide ? 98 : 22))], 0, endAt, endWidth, endRoll));
                break;
            case 10:
                _wide = _wide.Length > 0 && dice.OneIn(2) ? [] : Bytes.Mutate(_wide, _end, dice);
                break;
            case 11 or 12:
                (int centralAt, int centralWidth) = dice.Of(CentralFields);
                ulong centralRoll = dice.Next();
                patches.Add((file, starts, directory) => Patch(file, starts, i + Records.Count, centralAt, centralWidth, centralRoll));
                break;
            case 13 or 14:
                (int localAt, int localWidth) = dice.Of(LocalFields);
                ulong localRoll = dice.Next();
                patches.Add((file, starts, directory) => Patch(file, starts, i, localAt, localWidth, localRoll));
                break;
            case 15:
                record.Data = Encoding.ASCII.GetBytes(dice.Of(["little", "big", "3\n", "", "1"]));
                break;
            default: // in most cases the pickle, which has the most content
                Record? pickle = Records.FirstOrDefault(each => each.Text.EndsWith("/data.pkl", StringComparison.Ordinal));
                if (pickle is not null)
                {
                    pickle.Data = PickleOps.Mutate(pickle.Data, pickles, dice);
                }
                break;
        }
    }

    private static void Patch(byte[] file, int[] starts, int index, int at, int width, ulong roll)
    {
        if (index < starts.Length && starts[index] + at + width <= file.Length)
        {
            Bytes.Number(file.AsSpan(starts[index] + at, width), new Dice(roll, 2));
        }
    }

    private static byte[] Name(byte[] name, Dice dice)
    {
        string text = Encoding.UTF8.GetString(name);
        string changed = dice.Below(9) switch
        {
            0 => text + "/",
            1 => text.ToUpperInvariant(),
            2 => "../" + text,
            3 => text.Replace("data/", "data//", StringComparison.Ordinal),
            4 => text[(text.IndexOf('/', StringComparison.Ordinal) + 1)..],
            5 => text.Replace("data/", "code/", StringComparison.Ordinal),
            6 => text + "\0",
            7 => string.Concat(text, new string('n', 1 << dice.Below(12))),
            _ => $"{text[..^1]}{(char)('0' + dice.Below(10))}",
        };
        return Encoding.UTF8.GetBytes(changed);
    }

    // With repair, lengths, offsets, checksums and counts are corrected, so that a reader refuses the change itself and not its side
    // effects.
    private byte[] Write(bool repair, List<Action<byte[], int[], int>> patches)
    {
        using var file = new MemoryStream();
        int[] starts = new int[2 * Records.Count];
        for (int i = 0; i < Records.Count; i++)
        {
            Record record = Records[i];
            starts[i] = (int)file.Length;
            if (repair)
            {
                Repair(record, starts[i]);
            }
            foreach (byte[] part in new[] { record.Local, record.LocalName, record.LocalExtra, record.Data, record.Tail })
            {
                file.Write(part);
            }
        }
        int directory = (int)file.Length;
        for (int i = 0; i < Records.Count; i++)
        {
            Record record = Records[i];
            starts[Records.Count + i] = (int)file.Length;
            foreach (byte[] part in new[] { record.Central, record.Name, record.Extra, record.Comment })
            {
                file.Write(part);
            }
        }
        int end = (int)file.Length;
        if (repair)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(_end.AsSpan(8), (ushort)Records.Count);
            BinaryPrimitives.WriteUInt16LittleEndian(_end.AsSpan(10), (ushort)Records.Count);
            BinaryPrimitives.WriteInt32LittleEndian(_end.AsSpan(12), end - directory);
            BinaryPrimitives.WriteInt32LittleEndian(_end.AsSpan(16), directory);
            if (_wide.Length == 76)
            {
                BinaryPrimitives.WriteInt64LittleEndian(_wide.AsSpan(24), Records.Count);
                BinaryPrimitives.WriteInt64LittleEndian(_wide.AsSpan(32), Records.Count);
                BinaryPrimitives.WriteInt64LittleEndian(_wide.AsSpan(40), end - directory);
                BinaryPrimitives.WriteInt64LittleEndian(_wide.AsSpan(48), directory);
                BinaryPrimitives.WriteInt64LittleEndian(_wide.AsSpan(64), end);
            }
        }
        file.Write(_wide);
        file.Write(_end);
        byte[] bytes = file.ToArray();
        foreach (Action<byte[], int[], int> patch in patches)
        {
            patch(bytes, starts, directory);
        }
        return bytes;
    }

    private static void Repair(Record record, int start)
    {
        uint crc = Crc32.HashToUInt32(record.Data);
        bool deferred = (U16(record.Local, 6) & 8) != 0;
        if (deferred && record.Tail.Length is 16 or 24)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(record.Tail.AsSpan(4), crc);
            BinaryPrimitives.WriteInt32LittleEndian(record.Tail.AsSpan(8), record.Data.Length);
            BinaryPrimitives.WriteInt32LittleEndian(record.Tail.AsSpan(record.Tail.Length == 16 ? 12 : 16), record.Data.Length);
        }
        if (!deferred)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(record.Local.AsSpan(14), crc);
            BinaryPrimitives.WriteInt32LittleEndian(record.Local.AsSpan(18), record.Data.Length);
            BinaryPrimitives.WriteInt32LittleEndian(record.Local.AsSpan(22), record.Data.Length);
        }
        BinaryPrimitives.WriteUInt16LittleEndian(record.Local.AsSpan(26), (ushort)record.LocalName.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(record.Local.AsSpan(28), (ushort)record.LocalExtra.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.Central.AsSpan(16), crc);
        BinaryPrimitives.WriteInt32LittleEndian(record.Central.AsSpan(20), record.Data.Length);
        BinaryPrimitives.WriteInt32LittleEndian(record.Central.AsSpan(24), record.Data.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(record.Central.AsSpan(28), (ushort)record.Name.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(record.Central.AsSpan(30), (ushort)record.Extra.Length);
        BinaryPrimitives.WriteInt32LittleEndian(record.Central.AsSpan(42), start);
    }

    private static ushort U16(byte[] bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(at));
}
