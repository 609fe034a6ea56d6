namespace MemLoad.Tests.Corpus;

/// <summary>One malformed checkpoint: the function that writes it, and the rule that must refuse it.</summary>
/// <param name="Format">The kind of file, for grouping.</param>
/// <param name="Name">The error in it, in a few words.</param>
/// <param name="Rule">Id of the rule.</param>
/// <param name="Open">The file to open in the folder; empty for the folder itself.</param>
/// <param name="Make">Writes the files into a folder.</param>
internal sealed record HostileFile(string Format, string Name, string Rule, string Open, Action<string> Make)
{
    public const string Zip = "zip archive";
    public const string Pickle = "pickle";
    public const string Legacy = "older PyTorch format";
    public const string Safetensors = "safetensors";
    public const string Gguf = "GGUF";
    public const string Distributed = "distributed checkpoint";
    public const string Index = "sharded, by index";
    public const string Folder = "folder of tensors";
    public const string Manifest = "manifest";
    public const string Any = "any file";

    /// <summary>A malformed checkpoint of one file.</summary>
    public static HostileFile Of(string format, string name, string rule, string file, Func<byte[]> content) =>
        new(format, name, rule, file, folder => File.WriteAllBytes(Path.Combine(folder, file), content()));

    /// <summary>Its id in lists.</summary>
    public string Id => $"{Format}: {Name}";

    public override string ToString() => Id;
}
