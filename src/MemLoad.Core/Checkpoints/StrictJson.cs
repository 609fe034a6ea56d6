using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace MemLoad;

/// <summary>The rules that a kind of JSON text breaks when it is malformed.</summary>
/// <param name="Encoding">It is UTF-8, escapes included.</param>
/// <param name="Syntax">It is JSON.</param>
/// <param name="NameRepeated">No object has a name twice.</param>
/// <param name="Form">Its values have the types that the format gives them.</param>
internal sealed record JsonRules(Rule Encoding, Rule Syntax, Rule NameRepeated, Rule Form);

/// <summary>
/// Reads JSON token by token, strictly by the standard: no comments, no trailing commas, no byte-order mark, no repeated names. Every error
/// has a rule and a byte position in the file. A text in a file is read in pieces. Only data that the caller keeps uses further memory.
/// </summary>
internal ref struct StrictJson
{
    private static readonly SearchValues<byte> BetweenTokens = SearchValues.Create(" \t\r\n,:"u8);

    // Bytes of a set of names without the names.
    private const int EmptySet = 80;

    /// <summary>The bytes that JSON has between its tokens.</summary>
    public static ReadOnlySpan<byte> Spaces => " \t\r\n"u8;

    private readonly FileRange? _file;
    private readonly JsonRules _rules;
    private readonly FileBudget _budget;
    private Utf8JsonReader _reader;
    private byte[] _buffer = [];

    // The piece in memory, its position in the file, the length of the part that is verified as UTF-8, and the bytes after the piece.
    private ReadOnlySpan<byte> _text;
    private long _origin;
    private int _valid;
    private long _left;

    // The line breaks before the piece, and the position of the line that they begin. A JsonException counts lines.
    private long _lines;
    private long _lineStart;

    /// <summary>Reads a text in memory. Checks the encoding. The position is before the first token.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="origin">The position of the text in its file.</param>
    /// <param name="rules">The rules for malformed text.</param>
    /// <param name="budget">The budget that is charged with the strings of the text, with the file.</param>
    public StrictJson(ReadOnlySpan<byte> text, long origin, JsonRules rules, FileBudget budget)
    {
        _text = text;
        _origin = origin;
        _lineStart = origin;
        _rules = rules;
        _budget = budget;
        _reader = new Utf8JsonReader(text, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Disallow });
        CheckEncoding();
    }

    /// <summary>Reads a text in a file, of which one piece at a time is in memory.</summary>
    /// <param name="file">The file.</param>
    /// <param name="origin">The position of the text in the file.</param>
    /// <param name="length">The bytes of the text.</param>
    /// <param name="rules">The rules for malformed text.</param>
    /// <param name="budget">The budget that is charged with the piece and with the strings of the text.</param>
    /// <param name="pieceBytes">The bytes of a piece, if not the usual number. A longer token makes the piece longer.</param>
    public StrictJson(FileRange file, long origin, long length, JsonRules rules, FileBudget budget, int? pieceBytes = null)
        : this([], origin, rules, budget)
    {
        _file = file;
        _left = length;
        _buffer = NewBuffer(Math.Min(pieceBytes ?? file.PieceBytes, length));
        ReadOn(0);
    }

    /// <summary>Reads a file that is a text, in pieces. The file grants memory as a header does.</summary>
    /// <param name="file">The file, which stays open while the text is read.</param>
    /// <param name="rules">The rules for malformed text.</param>
    /// <param name="budget">As for a part of a file.</param>
    public StrictJson(WholeFile file, JsonRules rules, FileBudget budget)
        : this(file, 0, file.Length, rules, budget) => budget.Grant(file.Length);

    /// <summary>The piece that is in memory: the whole text, or the part of a file around the current token.</summary>
    public readonly ReadOnlySpan<byte> Piece => _text;

    /// <summary>The position of the current token in the file.</summary>
    public readonly long Position => _origin + _reader.TokenStartIndex;

    /// <summary>The type of the current token.</summary>
    public readonly JsonTokenType Token => _reader.TokenType;

    /// <summary>Moves to the next token.</summary>
    public void Next() => _ = Read();

    /// <summary>Reads the whole text, which must be JSON.</summary>
    public void CheckAll()
    {
        while (Read())
        {
        }
    }

    // False at the end of the text.
    private bool Read()
    {
        while (true)
        {
            CheckLiteral();
            try
            {
                if (_reader.Read())
                {
                    return true;
                }
            }
            catch (JsonException e)
            {
                // The message quotes only one character, because CheckLiteral ran first.
                string reason = _text[(int)_reader.BytesConsumed..].StartsWith(Encoding.UTF8.Preamble) ? "a byte-order mark precedes it"
                    : e.Message.Split(" LineNumber:")[0].TrimEnd('.');
                throw _rules.Syntax.Broken($"this is not JSON: {reason}", _budget.Path, Locate(e), e);
            }
            if (_left == 0)
            {
                return false;
            }
            ReadOn(checked((int)_reader.BytesConsumed));
        }
    }

    // Drops the start of the piece, and reads more bytes after the rest. A token that fills the piece makes the piece longer.
    private void ReadOn(int dropped)
    {
        ReadOnlySpan<byte> kept = _text[dropped..];
        byte[] buffer = kept.Length < _buffer.Length ? _buffer : NewBuffer(2L * _buffer.Length);
        _lines += _text[..dropped].Count((byte)'\n');
        if (_text[..dropped].LastIndexOf((byte)'\n') is int last and >= 0)
        {
            _lineStart = _origin + last + 1;
        }
        kept.CopyTo(buffer);
        int more = (int)Math.Min(_left, buffer.Length - kept.Length);
        _file!.ReadExactly(_origin + _text.Length, buffer.AsSpan(kept.Length, more));
        _origin += dropped;
        _valid -= dropped;
        _left -= more;
        _buffer = buffer;
        _text = buffer.AsSpan(0, kept.Length + more);
        CheckEncoding();
        _reader = new Utf8JsonReader(_text, _left == 0, _reader.CurrentState);
    }

    private readonly byte[] NewBuffer(long bytes)
    {
        _budget.Spend(bytes);
        return GC.AllocateUninitializedArray<byte>(checked((int)Math.Min(bytes, Array.MaxLength)));
    }

    // A character can be cut at the end of a piece.
    private void CheckEncoding()
    {
        if (Utf8.IsValid(_text[_valid..]))
        {
            _valid = _text.Length;
            return;
        }
        _valid += FirstInvalid(_text[_valid..]);
        if (_left == 0 || Rune.DecodeFromUtf8(_text[_valid..], out _, out _) != OperationStatus.NeedMoreData)
        {
            throw _rules.Encoding.Broken("these bytes are not UTF-8", _budget.Path, _origin + _valid);
        }
    }

    // For an invalid literal, the message of System.Text.Json contains all of the following text.
    private void CheckLiteral()
    {
        ReadOnlySpan<byte> rest = _text[checked((int)_reader.BytesConsumed)..];
        // Most tokens have at most one character before them, and most begin with a quote, a digit or a bracket.
        int near = rest is [(byte)',' or (byte)':', ..] ? 1 : 0;
        if (rest.Length > near
            && rest[near] is (byte)'"' or (>= (byte)'0' and <= (byte)'9') or (byte)'[' or (byte)']' or (byte)'{' or (byte)'}')
        {
            return;
        }
        int start = rest.IndexOfAnyExcept(BetweenTokens);
        if (start < 0)
        {
            return;
        }
        ReadOnlySpan<byte> word = rest[start] switch
        {
            (byte)'t' => "true"u8,
            (byte)'f' => "false"u8,
            (byte)'n' => "null"u8,
            _ => [],
        };
        if (rest.Length - start < word.Length && _left > 0)
        {
            ReadOn(checked((int)_reader.BytesConsumed));
            CheckLiteral();
        }
        else if (!rest[start..].StartsWith(word))
        {
            throw Broken(_rules.Syntax, "this is not JSON: a word is not true, false or null",
                _origin + checked((int)_reader.BytesConsumed) + start);
        }
    }

    /// <summary>Moves to the next token, which must have the expected type.</summary>
    /// <param name="expected">That type.</param>
    /// <param name="what">The meaning of the token.</param>
    /// <param name="owner">The owner of the value, or null.</param>
    public void Next(JsonTokenType expected, string what, string? owner = null)
    {
        Next();
        if (Token != expected)
        {
            throw WrongType(expected, what, owner);
        }
    }

    /// <summary>Moves to the next name of the current object. Returns false at its end.</summary>
    /// <param name="seen">The previous names of this object.</param>
    /// <param name="name">The name.</param>
    public bool NextName(HashSet<string> seen, out string name)
    {
        Next();
        if (Token == JsonTokenType.EndObject)
        {
            name = "";
            return false;
        }
        name = Text();
        if (seen.Count == seen.Capacity)
        {
            _budget.Spend(FileBudget.GrowingEntry + (3L * FileBudget.EntryBytes * seen.Count));
        }
        return seen.Add(name) ? true : throw Repeated(name);
    }

    /// <summary>Moves to the next name of an object with few known names, without creating a string.</summary>
    /// <param name="known">The names that the object may have.</param>
    /// <param name="seen">One bit per known name that the object has had.</param>
    /// <returns>Index into <paramref name="known"/>, its length for another name, or -1 at the end of the object.</returns>
    public int NextField(ReadOnlySpan<string> known, ref uint seen)
    {
        Next();
        if (Token == JsonTokenType.EndObject)
        {
            return -1;
        }
        for (int i = 0; i < known.Length; i++)
        {
            if (IsText(known[i]))
            {
                bool repeated = (seen & (1u << i)) != 0;
                seen |= 1u << i;
                return repeated ? throw Repeated(known[i]) : i;
            }
        }
        return known.Length;
    }

    /// <summary>Moves to the next token, which must be a string, and reads it.</summary>
    /// <param name="what">The meaning of the string.</param>
    /// <param name="owner">The owner of the value, or null.</param>
    /// <param name="likely">The probable value. If the text is equal, this string is returned instead of a new one.</param>
    public string NextText(string what, string? owner = null, params ReadOnlySpan<string> likely)
    {
        Next(JsonTokenType.String, what, owner);
        foreach (string text in likely)
        {
            if (IsText(text))
            {
                return text;
            }
        }
        return Text();
    }

    /// <summary>Moves to the next item of the current array. Returns false at its end.</summary>
    public bool NextItem()
    {
        Next();
        return Token != JsonTokenType.EndArray;
    }

    /// <summary>Moves to the next item of the current array, which must be a number. Returns false at its end.</summary>
    public bool NextNumber(string what, string owner)
    {
        bool more = NextItem();
        return !more || Token == JsonTokenType.Number ? more : throw WrongType(JsonTokenType.Number, what, owner);
    }

    /// <summary>The current number, if it is written as a whole number from 0 to 2⁶³ − 1: no sign, fraction or exponent.</summary>
    public readonly bool TryGetWhole(out long value)
    {
        bool whole = _reader.TryGetUInt64(out ulong number) && number <= long.MaxValue;
        value = whole ? (long)number : 0;
        return whole;
    }

    /// <summary>The current scalar: null, bool, long, double or string.</summary>
    public readonly object? Scalar() => Token switch
    {
        JsonTokenType.Null => null,
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        JsonTokenType.Number => _reader.TryGetInt64(out long whole) ? (object)whole : _reader.GetDouble(),
        _ => Text(),
    };

    /// <summary>The current name or string.</summary>
    public readonly string Text()
    {
        _budget.Spend(FileBudget.Text(_reader.ValueSpan.Length));
        try
        {
            return _reader.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            // The bytes are UTF-8, so this is an escape with half of a surrogate pair.
            throw _rules.Encoding.Broken("an escape in this string is one half of a surrogate pair", _budget.Path, Position, e);
        }
    }

    // Creates no string, unless the text has escapes, which can be half a surrogate pair.
    private readonly bool IsText(string text) => _reader.ValueIsEscaped ? Text() == text : _reader.ValueTextEquals(text);

    /// <summary>Reads an object: scalars at any depth with dotted names.</summary>
    /// <exception cref="MemLoadException">The rules that are given, and ML1013.</exception>
    public static Dictionary<string, object?> ReadScalars(byte[] text, JsonRules rules, FileBudget budget)
    {
        var values = new Dictionary<string, object?>(StringComparer.Ordinal);
        var json = new StrictJson(text, 0, rules, budget);
        json.Next(JsonTokenType.StartObject, "the file");
        json.Flatten("", values);
        json.End(rules.Syntax);
        return values;
    }

    /// <summary>Skips the current value, which must be valid JSON.</summary>
    public void Skip() => Flatten("", null);

    /// <summary>Reads the current value: scalars at any depth with dotted names. The JSON reader limits the depth.</summary>
    public void Flatten(string prefix, Dictionary<string, object?>? into)
    {
        switch (Token)
        {
            case JsonTokenType.StartObject:
                var names = new HashSet<string>(StringComparer.Ordinal);
                while (NextName(names, out string name))
                {
                    Next();
                    Flatten(Below(prefix, name, into is not null), into);
                }
                break;
            case JsonTokenType.StartArray:
                for (int i = 0; NextItem(); i++)
                {
                    Flatten(Below(prefix, into is null ? "" : i.ToString(CultureInfo.InvariantCulture), into is not null), into);
                }
                break;
            default:
                into?.TryAdd(prefix, Scalar());
                break;
        }
    }

    // A name is created only if its value is kept. A long name above many short names is charged for each of them.
    private readonly string Below(string prefix, string name, bool isKept)
    {
        _budget.Spend(isKept ? EmptySet + FileBudget.GrowingEntry + FileBudget.Text(prefix.Length + name.Length) : EmptySet);
        return !isKept ? "" : prefix.Length == 0 ? name : $"{prefix}.{name}";
    }

    /// <summary>Checks that only white space follows the last token.</summary>
    public void End(Rule rule)
    {
        for (int consumed = checked((int)_reader.BytesConsumed); ; consumed = 0)
        {
            int other = _text[consumed..].IndexOfAnyExcept(Spaces);
            if (other >= 0)
            {
                byte found = _text[consumed + other];
                throw rule.Broken($"byte 0x{found:x2} follows the closing brace", _budget.Path, _origin + consumed + other);
            }
            if (_left == 0)
            {
                return;
            }
            ReadOn(_text.Length);
        }
    }

    /// <summary>The error for the current token, or for an earlier position.</summary>
    public readonly MemLoadException Broken(Rule rule, string finding, long? position = null) =>
        rule.Broken(finding, _budget.Path, position ?? Position);

    /// <summary>The error for a token whose type the format does not allow here.</summary>
    private readonly MemLoadException WrongType(JsonTokenType expected, string what, string? owner = null)
    {
        string of = owner is null ? "" : $" of {Printable.Quote(owner)}";
        return Broken(_rules.Form, $"{what}{of} must be {Describe(expected)} and is {Describe(Token)}");
    }

    private readonly MemLoadException Repeated(string name) =>
        Broken(_rules.NameRepeated, $"the name {Printable.Quote(name)} occurs twice in one object");

    private readonly long Locate(JsonException e)
    {
        long start = _lineStart;
        for (long i = _lines; i < e.LineNumber; i++)
        {
            int line = checked((int)Math.Max(0, start - _origin));
            start = _origin + line + _text[line..].IndexOf((byte)'\n') + 1;
        }
        return start + (e.BytePositionInLine ?? 0);
    }

    private static int FirstInvalid(ReadOnlySpan<byte> text)
    {
        int at = 0;
        while (Rune.DecodeFromUtf8(text[at..], out _, out int length) == OperationStatus.Done)
        {
            at += length;
        }
        return at;
    }

    private static string Describe(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "a boolean",
        JsonTokenType.Null => "null",
        _ => token.ToString().ToLower(CultureInfo.InvariantCulture),
    };
}
