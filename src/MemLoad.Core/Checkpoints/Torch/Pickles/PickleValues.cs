namespace MemLoad;

// The values of a pickle, as records. None, bool, long, BigInteger, double, string and byte[] represent themselves.

/// <summary>A global name of the allowlist, such as <c>torch._utils._rebuild_tensor_v2</c>.</summary>
internal sealed record PickleGlobal(string Name);

/// <summary>A constant of PyTorch: a dtype, a layout, a device.</summary>
/// <param name="Repr">The result of <c>repr</c> in Python.</param>
internal sealed record TorchConstant(string Repr)
{
    /// <summary>The result of <c>str</c> in Python, if it differs.</summary>
    public string Text { get; init; } = Repr;
}

/// <summary>A tensor that is not a plain tensor with data. It is refused if it is selected. The rest of the file can be read.</summary>
/// <param name="Kind">The kind of tensor, such as <c>a sparse tensor</c>.</param>
/// <param name="At">The position in the pickle at which it is created.</param>
internal sealed record RefusedTensor(string Kind, long At)
{
    /// <summary>The values from which it is created; null if they are not needed.</summary>
    public PickleSequence? Arguments { get; init; }
}

/// <summary>An element type of numpy by its code, such as <c>f8</c>.</summary>
internal sealed record NumpyType(string Code)
{
    private const int BytesOfCharacter = 4; // of text, which numpy stores as UTF-32

    /// <summary>True if an object has it or its state is not plain. Its code may then no longer be that of its elements.</summary>
    public bool IsHeld { get; set; }

    /// <summary>The bytes of a text (<c>U3</c>) or of bytes (<c>S3</c>); 0 for other types.</summary>
    public int TextBytes =>
        Code is ['S' or 'U', ..] && ushort.TryParse(Code.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort count)
            ? Code[0] == 'U'
                ? BytesOfCharacter * count
                : count
            : 0;
}

/// <summary>
/// Bytes that protocol 2 writes as text, with one character per byte. They are converted only when they are read, so a call needs no
/// memory.
/// </summary>
internal sealed record LatinText(string Text);

/// <summary>An object that can be the key of a dict.</summary>
internal interface IPickleKey
{
    /// <summary>
    /// A text that is equal for two keys if and only if they are equal in Python. Null if the object cannot be a key yet.
    /// </summary>
    string? Identity { get; }
}

/// <summary>A tensor as the pickle describes it: a view of a storage.</summary>
internal sealed record TensorReference(
    StorageReferences Storages, int Place, DType DType, long Offset, ImmutableArray<long> Shape, ImmutableArray<long> Strides,
    LazyView LazyView)
{
    /// <summary>Bytes of one record, without its dimensions.</summary>
    public const int Overhead = 72;

    /// <summary>The storage. Its two parts take less memory than one field of both.</summary>
    public Storage Storage => new(Storages, Place);

    /// <summary>True if an object of the file holds it.</summary>
    public bool IsHeld { get; set; }
}
