namespace MemLoad;

/// <summary>Rules on the pickles inside PyTorch files (ML3xxx).</summary>
internal static partial class Rules
{
    private const string SaveStateDict = "In Python: torch.save(model.state_dict(), path).";

    // The stream must be a valid pickle of protocol 2 to 5.
    public static Rule PickleMalformed => field ??= new("ML3001", "the pickle is well-formed", CopyAgain);
    public static Rule PickleOpcode => field ??= new("ML3002", "the pickle uses known opcodes of protocols 2 to 5", SaveStateDict);
    public static Rule PickleGlobal => field ??= new("ML3003", "the pickle names only tensors, containers and numbers",
        "MemLoad runs no code from files. Save only tensors, containers, numbers and strings, with torch.save(model.state_dict(), path) "
            + "in Python.");
    public static Rule PickledModule => field ??= new("ML3004", "the file contains a state dict, not a pickled object", SaveStateDict);
    public static Rule TensorKind => field ??= new("ML3005", "tensors are dense and have data",
        "In Python, convert the tensor to a plain tensor (to_dense(), dequantize()) or materialize it. Then call torch.save.");

    // Arguments of a known constructor must have the form that PyTorch writes.
    public static Rule PickleArguments => field ??= new("ML3006", "constructors have the arguments that PyTorch writes", SaveWithTorch);
    public static Rule PickleTooDeep =>
        field ??= new("ML3007", "the nesting of containers is within the limit", "Save only the state dict.");

    // The format before PyTorch 1.6 starts with its magic number and protocol version.
    public static Rule LegacyHeader =>
        field ??= new("ML3008", "the file starts with the header of PyTorch's older format",
            "Check that this is a file written by torch.save.");

    // Before PyTorch 0.1.10 files were tar archives.
    public static Rule LegacyTar => field ??= new("ML3009", "the file is not in PyTorch's tar format",
        "If you trust the file, in Python: torch.save(torch.load(path, weights_only=False), new_path). This can run programs that the "
            + "file contains.");
    public static Rule PickleAttack => field ??= new("ML3010", "the pickle names no function that can run a program",
        "Do not open this file with a program that unpickles it. Inform its publisher. MemLoad ran no code from the file.");

    // State that BUILD or a rebuild function sets on an object may only name new attributes. Any other attribute would change the object
    // in PyTorch.
    public static Rule PickleState => field ??= new("ML3011", "the pickle does not change objects, except for new attributes",
        "Do not trust the file: PyTorch would read other weights from it. If you made the file, in Python: torch.save(model.state_dict(), "
            + "path).");

    // An object of the file gets values from the pickle. Its code could change them in PyTorch, so that MemLoad would read other weights.
    public static Rule ObjectHolds => field ??= new("ML3012", "the objects of a file do not contain its tensors",
        "Only if you trust the file (this runs its code), in Python: c = torch.load(path, weights_only=False), and then torch.save of the "
            + "tensors without the object.");
}
