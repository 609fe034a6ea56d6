namespace MemLoad;

/// <summary>Rules on safetensors files (ML4xxx).</summary>
public static partial class Rules
{
    private const string SaveSafetensorsAgain = "Write the file again with the safetensors library.";

    /// <summary>The header has at most 100,000,000 bytes, as in the reference implementation.</summary>
    public static readonly Rule SafetensorsHeaderTooLarge = new("ML4001", "the header has at most 100,000,000 bytes",
        "Check that this is a safetensors file, and write it again if it is.");

    /// <summary>The header begins with an opening brace, with nothing before it.</summary>
    public static readonly Rule SafetensorsHeaderStart = new("ML4002", "the header begins with '{'",
        "Check that this is a safetensors file, and write it again if it is.");

    /// <summary>The header is UTF-8, and so are the characters its escapes name.</summary>
    public static readonly Rule SafetensorsHeaderEncoding = new("ML4003", "the header is UTF-8", SaveSafetensorsAgain);

    /// <summary>The header is JSON as the standard has it.</summary>
    public static readonly Rule SafetensorsHeaderSyntax = new("ML4004", "the header is JSON", SaveSafetensorsAgain);

    /// <summary>The header ends with the closing brace of its object and then spaces only, so that nothing hides behind it.</summary>
    public static readonly Rule SafetensorsHeaderPadding = new("ML4005", "only spaces follow the header's JSON", SaveSafetensorsAgain);

    /// <summary>No object of the header has a name twice: readers disagree on which of the two counts.</summary>
    public static readonly Rule SafetensorsNameRepeated = new("ML4006", "names in the header are unique", SaveSafetensorsAgain);

    /// <summary>The values of the header have the types that the format gives them.</summary>
    public static readonly Rule SafetensorsHeaderForm = new("ML4007", "the header has the form of safetensors", SaveSafetensorsAgain);

    /// <summary>A tensor has a dtype, a shape and data_offsets, and nothing else.</summary>
    public static readonly Rule SafetensorsFields = new("ML4008", "a tensor has dtype, shape and data_offsets", SaveSafetensorsAgain);

    /// <summary>Dimensions and offsets are whole numbers from 0 to 2⁶³ − 1.</summary>
    public static readonly Rule SafetensorsNumber = new("ML4009", "dimensions and offsets are whole numbers", SaveSafetensorsAgain);

    /// <summary>The dtype is one of those that PyTorch and safetensors share.</summary>
    public static readonly Rule SafetensorsDType = new("ML4010", "the dtype is known",
        "Convert the tensor to one of PyTorch's types of whole bytes and write the file again.");

    /// <summary>A tensor has at most 64 dimensions, the most that NumPy holds and PyTorch computes on.</summary>
    public static readonly Rule SafetensorsDimensions = new("ML4011", "a tensor has at most 64 dimensions", SaveSafetensorsAgain);

    /// <summary>The size of a tensor fits 64 bits.</summary>
    public static readonly Rule SafetensorsSizeOverflow = new("ML4012", "the size of a tensor fits 64 bits", SaveSafetensorsAgain);

    /// <summary>data_offsets are two, and the end is not before the begin.</summary>
    public static readonly Rule SafetensorsOffsets = new("ML4013", "data_offsets are a begin and an end", SaveSafetensorsAgain);

    /// <summary>The bytes between begin and end are those of the shape and the dtype.</summary>
    public static readonly Rule SafetensorsSizeMismatch = new("ML4014", "shape and dtype give the bytes that the offsets span", SaveSafetensorsAgain);

    /// <summary>Tensors follow each other with no bytes between them, the first at byte 0 of the data.</summary>
    public static readonly Rule SafetensorsHole = new("ML4015", "there are no bytes between tensors", SaveSafetensorsAgain);

    /// <summary>No two tensors share bytes.</summary>
    public static readonly Rule SafetensorsOverlap = new("ML4016", "tensors do not overlap", SaveSafetensorsAgain);

    /// <summary>The file ends where the last tensor ends.</summary>
    public static readonly Rule SafetensorsTrailing = new("ML4017", "nothing follows the last tensor",
        "Copy or download the file again; if it stays longer than its header says, something was appended to it.");

    /// <summary><c>__metadata__</c> is an object of strings.</summary>
    public static readonly Rule SafetensorsMetadata = new("ML4018", "__metadata__ is a map of strings", SaveSafetensorsAgain);

    /// <summary>
    /// Names have no control characters: they are printed on terminals, and the digest of the weights is taken over lines of them. A tab is
    /// let through: it steers no terminal and ends no line.
    /// </summary>
    public static readonly Rule SafetensorsTensorName = new("ML4019", "tensor names have no control characters but tabs",
        "Rename the tensor: names are printed on terminals, and the digest is taken over lines of them.");
}
