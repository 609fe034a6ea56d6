namespace MemLoad;

/// <summary>Rules on safetensors files (ML4xxx).</summary>
internal static partial class Rules
{
    private const string SaveSafetensorsAgain = "Write the file again with the safetensors library.";

    // The header has at most 100,000,000 bytes, as in the reference implementation.
    public static Rule SafetensorsHeaderTooLarge => field ??= new("ML4001", "the header has at most 100,000,000 bytes",
        "Check that this is a safetensors file, and write it again if it is.");
    public static Rule SafetensorsHeaderStart => field ??= new("ML4002", "the header begins with '{', optionally after white space",
        "Check that this is a safetensors file, and write it again if it is.");

    // The header is UTF-8. Its escapes name valid characters.
    public static Rule SafetensorsHeaderEncoding => field ??= new("ML4003", "the header is UTF-8", SaveSafetensorsAgain);
    public static Rule SafetensorsHeaderSyntax => field ??= new("ML4004", "the header is JSON", SaveSafetensorsAgain);
    public static Rule SafetensorsHeaderPadding =>
        field ??= new("ML4005", "only white space follows the header's JSON", SaveSafetensorsAgain);
    public static Rule SafetensorsNameRepeated => field ??= new("ML4006", "names in the header are unique", SaveSafetensorsAgain);
    public static Rule SafetensorsHeaderForm =>
        field ??= new("ML4007", "the header has the form that safetensors defines", SaveSafetensorsAgain);
    public static Rule SafetensorsFields =>
        field ??= new("ML4008", "each tensor has a dtype, a shape and data_offsets", SaveSafetensorsAgain);

    // Dimensions and offsets are whole numbers from 0 to 2⁶³ − 1.
    public static Rule SafetensorsNumber => field ??= new("ML4009", "dimensions and offsets are whole numbers", SaveSafetensorsAgain);

    // The dtype is one of those of safetensors (0.6; tensor.rs).
    public static Rule SafetensorsDType => field ??= new("ML4010", "the dtype is supported",
        "Convert the tensor to one of the types that safetensors defines, and write the file again.");

    // A tensor has at most 64 dimensions, the most that NumPy holds and PyTorch computes on.
    public static Rule SafetensorsDimensions => field ??= new("ML4011", "a tensor has at most 64 dimensions", SaveSafetensorsAgain);

    // The size of a tensor fits 64 bits.
    public static Rule SafetensorsSizeOverflow => field ??= new("ML4012", "the size of a tensor fits 64 bits", SaveSafetensorsAgain);
    public static Rule SafetensorsOffsets => field ??= new("ML4013", "data_offsets are a start and an end", SaveSafetensorsAgain);
    public static Rule SafetensorsSizeMismatch =>
        field ??= new("ML4014", "shape and dtype give the bytes that the offsets span", SaveSafetensorsAgain);

    // Tensors follow each other with no bytes between them, the first at byte 0 of the data.
    public static Rule SafetensorsHole => field ??= new("ML4015", "there are no bytes between tensors", SaveSafetensorsAgain);
    public static Rule SafetensorsOverlap => field ??= new("ML4016", "tensors do not overlap", SaveSafetensorsAgain);
    public static Rule SafetensorsTrailing => field ??= new("ML4017", "no bytes follow the last tensor",
        "Copy or download the file again. If it is still longer than its header states, bytes were appended to it.");

    // '__metadata__' is an object of strings, or null.
    public static Rule SafetensorsMetadata => field ??= new("ML4018", "__metadata__ is a map of strings", SaveSafetensorsAgain);

    // Names have no control characters: terminals print them, and the digest of the weights is computed over lines of them. A tab is
    // allowed: it does not control a terminal, and it does not end a line.
    public static Rule SafetensorsTensorName => field ??= new("ML4019", "tensor names have no control characters except tabs",
        "Rename the tensor. Terminals print names, and the digest is computed over lines of names.");

    // As the reference implementation requires (MisalignedSlice).
    public static Rule SafetensorsPartOfByte => field ??= new("ML4020", "elements of four or six bits fill whole bytes",
        "Write the tensor with an even number of four-bit elements, or a multiple of four six-bit elements.");
}
