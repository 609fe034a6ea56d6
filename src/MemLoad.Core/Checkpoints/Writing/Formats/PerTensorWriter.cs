using System.Buffers;
using System.Text;

namespace MemLoad;

/// <summary>Writes a folder with one file per tensor. Each file has the content of <c>torch.save(tensor.contiguous())</c>.</summary>
internal sealed class PerTensorWriter : CheckpointFolderWriter
{
    /// <summary>The extension of the files after the tensor name.</summary>
    public const string Extension = ".pt";

    private const int LongestName = 200; // bytes; file systems allow 255, less the extension and the suffixes of copies

    private static readonly SearchValues<char> SeparatorsAndWildcards = SearchValues.Create("/\\:*?\"<>|");

    private static readonly string[] DeviceNames =
    [
        "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$",
        .. Enumerable.Range(0, 10).SelectMany(digit => new[] { $"COM{digit}", $"LPT{digit}" }),
        "COM¹", "COM²", "COM³", "LPT¹", "LPT²", "LPT³",
    ];

    private readonly IWeightSource _source;

    /// <summary>Checks that every name is a valid file name, and adds up the files.</summary>
    /// <exception cref="MemLoadException">ML9101 or ML9106.</exception>
    /// <exception cref="OverflowException">The bytes of all files do not fit 64 bits.</exception>
    public PerTensorWriter(IWeightSource source, string target)
    {
        RequireTensors(source, target);
        _source = source;
        var names = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (TensorEntry tensor in source.Tensors)
        {
            if (Unsafe(tensor.Name) is { } reason)
            {
                throw Rules.FileNameUnsafe.Broken(
                    $"the name of tensor {Printable.Quote(tensor.Name)} cannot be a file name: {reason}", target);
            }
            if (!names.TryAdd(tensor.Name, tensor.Name))
            {
                throw Rules.FileNameUnsafe.Broken(
                    $"the names of tensors {Printable.Quote(names[tensor.Name])} and {Printable.Quote(tensor.Name)} differ only in case",
                    target);
            }
        }
        AddUp();
    }

    // A writer is made when its file is written, because the layouts of all files would need much memory.
    protected override IEnumerable<(string Name, long Length, Action<FileAppender> Write)> Files => _source.Tensors.Select(tensor =>
    {
        string name = tensor.Name + Extension;
        var writer = TorchZipWriter.ForTensor(_source, tensor, name);
        return (name, writer.Length, (Action<FileAppender>)writer.Write);
    });

    // A folder that one system writes can be read on another system, so the strictest rules of all systems apply.
    private static string? Unsafe(string name)
    {
        if (name.Length == 0)
        {
            return "it is empty";
        }
        if (Encoding.UTF8.GetByteCount(name) > LongestName)
        {
            return $"it has more than {LongestName} bytes";
        }
        if (ControlCharacters.AreInFileName(name))
        {
            return "it has a control character";
        }
        if (name.AsSpan().IndexOfAny(SeparatorsAndWildcards) is var at and >= 0)
        {
            return $"it has a '{name[at]}'";
        }
        if (name[0] == '.')
        {
            return "it starts with a dot";
        }
        if (name[^1] is '.' or ' ')
        {
            return "it ends with a dot or a space";
        }
        string device = name.Split('.')[0].TrimEnd(' ');
        return DeviceNames.Contains(device, StringComparer.OrdinalIgnoreCase) ? $"{Printable.Quote(device)} is a device on Windows" : null;
    }
}
