namespace MemLoad;

/// <summary>
/// Rules on GGUF files (ML41xx). llama.cpp also refuses files that break them, unless a comment on a rule states a difference.
/// </summary>
internal static partial class Rules
{
    private const string WriteGgufAgain =
        "Download the file again, or write it again with llama.cpp (convert_hf_to_gguf.py, llama-quantize).";
    private const string SplitAgain = "Download all parts again, or split the file again with llama-gguf-split.";
    public static Rule GgufVersion => field ??= new("ML4101", "the GGUF version is 2 or 3", WriteGgufAgain);
    public static Rule GgufByteOrder => field ??= new("ML4102", "the GGUF file is little-endian",
        "Convert the file with gguf_convert_endian.py of llama.cpp's gguf-py, or download a little-endian file.");
    public static Rule GgufCount => field ??= new("ML4103", "the counts of tensors and keys fit the file", WriteGgufAgain);
    // Keys are UTF-8 text of 1 to 65,535 bytes, each once.
    public static Rule GgufKey => field ??= new("ML4104", "keys are text, and each key occurs once", WriteGgufAgain);
    // Values have one of the 13 types. Arrays do not contain arrays. A Boolean value is 0 or 1.
    public static Rule GgufValueType => field ??= new("ML4105", "values have types that GGUF defines", WriteGgufAgain);
    public static Rule GgufText => field ??= new("ML4106", "a string has at most 1 GiB", WriteGgufAgain);
    public static Rule GgufArray => field ??= new("ML4107", "an array has at most 1,073,741,824 elements", WriteGgufAgain);
    /// <summary>
    /// The alignment is a u32, as ggml reads it. It is a power of two, as ggml requires, and a multiple of 8, as the specification
    /// requires.
    /// </summary>
    public static Rule GgufAlignment =>
        field ??= new("ML4108", "general.alignment is a u32 and a power of two, at least 8", WriteGgufAgain);
    // Names of tensors are UTF-8 text of 1 to 63 bytes.
    public static Rule GgufTensorName => field ??= new("ML4109", "names of tensors have 1 to 63 bytes", WriteGgufAgain);
    // A tensor has at most four dimensions, from 0 to 2⁶³ − 1.
    public static Rule GgufDimensions => field ??= new("ML4110", "a tensor has at most four dimensions, each below 2⁶³", WriteGgufAgain);
    // The type is one of the current types of ggml.
    public static Rule GgufType => field ??= new("ML4111", "the type of a tensor is a type of ggml",
        "Use a file with the types of llama.cpp. Programs derived from it, such as ik_llama.cpp, also write other types.");
    // The innermost dimension is a multiple of the block.
    public static Rule GgufBlocks => field ??= new("ML4112", "rows of a tensor consist of whole blocks", WriteGgufAgain);
    public static Rule GgufSize => field ??= new("ML4113", "sizes of tensors fit 64 bits", WriteGgufAgain);
    // Tensors are in the order of the header. Each begins at the padded end of the previous tensor.
    public static Rule GgufOffset => field ??= new("ML4114", "tensors follow each other in the order of the header", WriteGgufAgain);
    // The file ends with the last tensor, or with its padding. llama.cpp does not check this.
    public static Rule GgufTrailing => field ??= new("ML4115", "only padding follows the last tensor",
        "Copy or download the file again. If it is still longer than its header states, bytes were appended to it.");
    // The keys and the name of a part of a set state its number and the number of parts.
    public static Rule GgufSplitKeys => field ??= new("ML4116", "the name and the keys of a part state the same number",
        $"Restore the original names of the files, such as model-00001-of-00003.gguf. If the names are correct: {SplitAgain}");
    // All parts of a set are in one folder.
    public static Rule GgufPartMissing =>
        field ??= new("ML4117", "all parts of a set exist", "Download the missing parts into the folder of this one.");
    // The parts have the number of tensors that they state. llama.cpp refuses a difference, too.
    public static Rule GgufSetTensors => field ??= new("ML4118", "the parts of a set contain all its tensors", SplitAgain);
    // A manifest of Ollama is JSON with exactly one layer of weights.
    public static Rule OllamaManifest => field ??= new("ML4119", "a manifest of Ollama names one file of weights",
        "Pull the model again with: ollama pull MODEL. MemLoad does not read models whose weights are not one GGUF file.");
    // The file that a manifest names exists and has the length that the manifest states.
    public static Rule OllamaBlob => field ??= new("ML4120", "the weights that a manifest names exist and are complete",
        "Pull the model again with: ollama pull MODEL.");
    // The folder of a model has one tag, or the path names a tag.
    public static Rule OllamaTag => field ??= new("ML4121", "a folder of manifests contains one manifest",
        $"Give the path of the manifest to open ({Setting.Path}). The name of the file is the tag.");
}
