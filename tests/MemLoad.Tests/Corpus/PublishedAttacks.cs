namespace MemLoad.Tests.Corpus;

/// <summary>A published attack on readers of weights, and the malformed files that use it.</summary>
/// <param name="Name">The published ids.</param>
/// <param name="What">The effect, and the affected programs.</param>
/// <param name="Files">Ids of the files.</param>
internal sealed record PublishedAttack(string Name, string What, params string[] Files);

/// <summary>
/// The published attacks on PyTorch's <c>weights_only</c>, its zip reader, zip readers in general, and other formats of weights.
/// </summary>
internal static class PublishedAttacks
{
    public static IReadOnlyList<PublishedAttack> All { get; } =
    [
        new(
            "CVE-2025-32434",
            "programs run in spite of `weights_only=True`, through the oldest (tar) format; PyTorch up to 2.5.1",
            "any file: a tar archive",
            "any file: PyTorch's oldest format, a tar archive, with a program",
            "any file: the same tar archive without its magic"),
        new(
            "CVE-2026-24747",
            "memory corrupted by SETITEM on what is no dict, and by storages of a length that lies; PyTorch up to 2.9.1",
            "pickle: SETITEM on a tensor (CVE-2026-24747)",
            "pickle: SETITEM on a list",
            "pickle: SETITEMS on a storage",
            "pickle: a tensor of a storage of another length than its record"),
        new(
            "pytorch#184652",
            "a quantized tensor with unchecked strides reads the process's memory",
            "pickle: a quantized tensor",
            "pickle: a tensor of a stride past the storage"),
        new(
            "pytorch#185443, burn#5506",
            "a file of 1.6 KB asks for 226 GB; zero strides ask for 17 TB",
            "pickle: a tensor of a storage of 2⁴⁰ elements",
            "pickle: a tensor of a zero-stride bomb: 2²¹ × 2²¹ over 16 bytes",
            "pickle: two hundred views of 16 MiB over 16 bytes",
            "pickle: REDUCE of a storage class"),
        new(
            "pytorch#181193, #185440",
            "reads outside the record: lengths of local and central headers that differ",
            "zip archive: another length in the local header",
            "zip archive: a record longer than the file",
            "zip archive: a local extra field that shifts the data"),
        new(
            "pytorch#74798",
            "a heap overflow in the zip reader",
            "zip archive: a name that runs past the directory",
            "zip archive: an extra field that runs past its entry",
            "zip archive: a directory a byte too long"),
        new(
            "pytorch#194647",
            "objects left half made at STOP",
            "pickle: a meta tensor",
            "pickle: a whole module",
            "pickle: BUILD on a storage"),
        new(
            "CVE-2024-0450",
            "records that overlap multiply the bytes of a small archive; CPython",
            "zip archive: quoted overlap: each record's data holds the next",
            "zip archive: full overlap: a hundred names for one record"),
        new(
            "CVE-2025-54368",
            "two readers, two archives in one file; uv and others",
            "zip archive: an archive behind the archive",
            "zip archive: a comment that holds another end record",
            "zip archive: a name twice",
            "zip archive: a hidden record between records"),
        new(
            "CVE-2025-8291",
            "a zip64 locator that is not checked; CPython",
            "zip archive: a locator that points to byte 0",
            "zip archive: a zip64 directory elsewhere",
            "zip archive: a zip64 count that the end record does not share"),
        new(
            "cpython#151307",
            "an archive of 160 bytes asks for 2 GiB",
            "zip archive: a directory of 4 GiB",
            "zip archive: a zip64 length of 2⁶²",
            "pickle: a string of 4 GiB"),
        new("torch_dos_create", "a compressed storage of zeros becomes 40 GB", "zip archive: a bomb: 16 MiB of zeros, deflated"),
        new(
            "safetensors_abuse_attempt 1 to 3",
            "lengths, offsets and shapes that lie; safetensors' own attempts",
            "safetensors: a header of 2⁶⁴ − 1 bytes",
            "safetensors: two tensors on the same bytes",
            "safetensors: offsets beyond the file"),
        new(
            "CVE-2026-27940, CVE-2025-53630, CVE-2026-7482",
            "products of sizes that wrap around, reads past the end; GGUF in llama.cpp and Ollama; the same in safetensors:",
            "any file: a GGUF file",
            "safetensors: a size that wraps around to 4",
            "safetensors: a size in bytes beyond 64 bits",
            "safetensors: fewer bytes than the shape"),
        new(
            "CVE-2025-1716",
            "`pip.main`, which deny-lists had forgotten; picklescan",
            "pickle: pip.main",
            "pickle: pip._internal.main",
            "pickle: ensurepip._run_pip"),
        new(
            "CVE-2026-56315 and the GHSA list of picklescan",
            "gadgets of the standard library that deny-lists had forgotten",
            "pickle: timeit.timeit",
            "pickle: cProfile.run",
            "pickle: pkgutil.resolve_name",
            "pickle: operator.attrgetter",
            "pickle: numpy.testing._private.utils.runstring",
            "pickle: functools.partial"),
        new(
            "CVE-2025-1889, CVE-2025-10155",
            "the scanner trusts the extension",
            "zip archive: an evildata.pkl",
            "zip archive: two folders with a data.pkl",
            "older PyTorch format: a plain pickle",
            "any file: a pickle named .safetensors"),
        new(
            "CVE-2025-1944",
            "another name in the local header hides the pickle from the scanner",
            "zip archive: data.pkl under another name in the local header"),
        new(
            "CVE-2025-1945",
            "flag bits make the scanner stop, not the reader",
            "zip archive: encryption in the local header only",
            "zip archive: reserved flag 4",
            "zip archive: encrypted"),
        new(
            "CVE-2025-10156",
            "a wrong checksum makes the scanner stop, not the reader",
            "zip archive: a program, and a checksum of the pickle that is wrong",
            "zip archive: another checksum in the local header"),
        new(
            "CVE-2025-10157",
            "a subclass or submodule of a forbidden name is not forbidden",
            "pickle: asyncio.unix_events._UnixSubprocessTransport._start",
            "pickle: an attribute reached by a dotted name",
            "pickle: os.system with a space behind it"),
        new(
            "nullifAI",
            "the program runs, then the pickle breaks, and the scanner gives up",
            "pickle: os.system and then garbage",
            "pickle: os.system and then a sound state dict"),
        new(
            "names by STACK_GLOBAL and memo",
            "the name of the function is put together where a scanner does not look",
            "pickle: os.system by STACK_GLOBAL from the memo",
            "pickle: os.system by OBJ",
            "pickle: os.system by INST",
            "pickle: a memo entry set again to another thing"),
        new(
            "a magic number by a call",
            "the test for the format is the attack; picklescan's `pytorch_magic_bypass`",
            "older PyTorch format: a magic number made by os.system"),
        new(
            "type confusion",
            "a value of another type where code is written for one",
            "pickle: a tensor of a storage that is a tensor",
            "pickle: a tensor of requires_grad that is text",
            "pickle: REDUCE of what a call gave",
            "pickle: a persistent id that is or has a class that is no storage"),
        new(
            "a pickle in a pickle",
            "the inner one is not scanned",
            "pickle: pickle.loads",
            "pickle: a torch helper: torch.storage._load_from_bytes",
            "pickle: marshal.loads"),
        new(
            "memory and time",
            "a billion laughs, endless nesting, endless lengths",
            "pickle: a billion laughs: each tuple holds the one before ten times",
            "pickle: tuples nested 100,000 deep",
            "pickle: a bytearray of 2⁴⁰",
            "safetensors: arrays nested 100,000 deep"),
        new(
            "path traversal",
            "a shard or record name that leaves the folder; index.json in TorchSharp.PyBridge",
            "sharded, by index: a shard name that is or has a way out",
            "sharded, by index: a shard name that is or has an absolute path",
            "zip archive: a record name with a way out of the folder",
            "pickle: a tensor of a storage whose key leaves the archive"),
        new("evildata/0", "a record found by the end of its name; TorchSharp.PyBridge", "zip archive: evildata/0 in the place of data/0"),
    ];
}
