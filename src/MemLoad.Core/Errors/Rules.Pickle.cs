namespace MemLoad;

/// <summary>Rules on the pickles inside PyTorch files (ML3xxx).</summary>
internal static partial class Rules
{
    private const string SaveStateDict = "In Python: torch.save(model.state_dict(), path).";

    // The stream must be a pickle of protocol 2 to 5 that keeps its own grammar.
    public static readonly Rule PickleMalformed = new("ML3001", "the pickle is well-formed", CopyAgain);
    public static readonly Rule PickleOpcode = new("ML3002", "the pickle uses known opcodes of protocols 2 to 5", SaveStateDict);
    public static readonly Rule PickleGlobal = new("ML3003", "the pickle names only tensors, containers and numbers",
        "MemLoad runs no code from files: save only tensors, containers, numbers and strings, with torch.save(model.state_dict(), path) in Python.");
    public static readonly Rule PickledModule = new("ML3004", "the file holds a state dict, not a pickled object", SaveStateDict);
    public static readonly Rule TensorKind = new("ML3005", "tensors are dense, with data",
        "In Python make it a plain tensor first (to_dense(), dequantize(), materialise it), then torch.save.");

    // Arguments of a known constructor must have the form PyTorch writes.
    public static readonly Rule PickleArguments = new("ML3006", "constructors get the arguments PyTorch gives them", SaveWithTorch);
    public static readonly Rule PickleTooDeep = new("ML3007", "containers are nested within reason", "Save the state dict alone.");

    // The format of before PyTorch 1.6 starts with its magic number and protocol version.
    public static readonly Rule LegacyHeader = new("ML3008", "the file starts as PyTorch's older format does", "Check that this is a file written by torch.save.");

    // Before PyTorch 0.1.10 files were tar archives.
    public static readonly Rule LegacyTar = new("ML3009", "the file is not in PyTorch's tar format",
        "If you trust the file, in Python: torch.save(torch.load(path, weights_only=False), new_path), which can run programs that the file holds.");
    public static readonly Rule PickleAttack = new("ML3010", "the pickle names nothing that could run a program",
        "Do not open this file with anything that unpickles, and tell whoever published it; MemLoad ran nothing.");

    // State that BUILD or a rebuild function sets on an object may name new attributes only: PyTorch would change the object by any other.
    public static readonly Rule PickleState = new("ML3011", "nothing is changed once it is made, except by attributes of its own",
        "Do not trust the file: PyTorch reads other weights from it than it shows. If it is your own, in Python: torch.save(model.state_dict(), path).");
}
