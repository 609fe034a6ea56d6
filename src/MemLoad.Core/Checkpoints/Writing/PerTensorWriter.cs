using System.Buffers;
using System.Text;

namespace MemLoad;

/// <summary>Writes a folder with one file per tensor, each what <c>torch.save(tensor.contiguous())</c> makes of it.</summary>
internal sealed class PerTensorWriter
{
    /// <summary>What the files are called after the tensor's name.</summary>
    public const string Extension = ".pt";

    private const int LongestName = 200; // bytes; file systems allow 255, less the extension and room for copies' endings
    private const int BlockBytes = 4096; // what a file takes on disk comes in blocks

    private static readonly SearchValues<char> SeparatorsAndWildcards = SearchValues.Create("/\\:*?\"<>|");

    private static readonly string[] DeviceNames =
    [
        "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$",
        .. Enumerable.Range(0, 10).SelectMany(digit => new[] { $"COM{digit}", $"LPT{digit}" }),
        "COM¹", "COM²", "COM³", "LPT¹", "LPT²", "LPT³",
    ];

    private readonly IWeightSource _source;

    private PerTensorWriter(IWeightSource source, long length)
    {
        _source = source;
        Length = length;
    }

    /// <summary>Bytes of all files together.</summary>
    public long Length { get; }

    /// <summary>What the files take on disk, at most.</summary>
    public long DiskBytes => Length + ((long)BlockBytes * _source.Tensors.Length);

    /// <summary>Checks that every name can be a file's and adds the files up.</summary>
    /// <exception cref="MemLoadException">ML9106.</exception>
    public static PerTensorWriter For(IWeightSource source, string target)
    {
        var names = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        long length = 0;
        foreach (TensorEntry tensor in source.Tensors)
        {
            if (Unsafe(tensor.Name) is { } reason)
            {
                throw Rules.FileNameUnsafe.Broken($"the name of tensor {Printable.Quote(tensor.Name)} cannot be a file's: {reason}", target);
            }
            if (!names.TryAdd(tensor.Name, tensor.Name))
            {
                throw Rules.FileNameUnsafe.Broken(
                    $"the names of tensors {Printable.Quote(names[tensor.Name])} and {Printable.Quote(tensor.Name)} differ only in case", target);
            }
            length = checked(length + For(source, tensor).Length);
        }
        return new PerTensorWriter(source, length);
    }

    /// <summary>Fills a folder.</summary>
    /// <param name="folder">Where to put the files for now.</param>
    /// <param name="target">Where they will be in the end.</param>
    /// <param name="session">Progress and cancellation.</param>
    public void Write(string folder, string target, WriteSession session)
    {
        foreach (TensorEntry tensor in _source.Tensors)
        {
            TorchZipWriter writer = For(_source, tensor);
            string name = tensor.Name + Extension;
            string final = Path.Combine(target, name);
            using FileStream file = AtomicFile.Open(Path.Combine(folder, name), final, writer.Length);
            using var output = new FileAppender(file.SafeFileHandle, final, writer.Length, session);
            writer.Write(output);
            output.Complete();
        }
    }

    private static TorchZipWriter For(IWeightSource source, TensorEntry tensor) => TorchZipWriter.ForTensor(source, tensor, tensor.Name + Extension);

    // A folder written on one system is read on another, so the strictest rules of all hold everywhere.
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
