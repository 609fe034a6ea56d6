using System.Text.RegularExpressions;

namespace MemLoad;

/// <summary>One of several files of a set, by its name: <c>model-00001-of-00004.safetensors</c>.</summary>
/// <param name="Set">The common part of the names of all parts, with <c>*</c> for the number.</param>
/// <param name="Number">The number of this part.</param>
/// <param name="Count">The number of parts that the name states.</param>
internal readonly record struct PartName(string Set, int Number, int Count);

/// <summary>Determines the role of files in a folder from their names.</summary>
internal static partial class FolderNames
{
    private static readonly string[] TensorExtensions =
        [".pt", ".pth", ".bin", ".safetensors", ".gguf", ".ckpt", ".sft", ".th", ".pth.tar", ".pt.tar"];

    // The extensions of files with one tensor. Files with other extensions have whole models.
    private static readonly string[] SingleExtensions = [".pt", ".pth", ".bin", ".safetensors"];

    // The names of files that trainers save and that are not models (transformers, accelerate, DeepSpeed, verl).
    private static readonly (Regex Name, string Kind)[] Companions =
    [
        (OptimizerName(), "optimizer state"),
        (SchedulerName(), "scheduler state"),
        (RandomName(), "random state"),
        (ArgumentsName(), "training arguments"),
        (ScalerName(), "state of the gradient scaler"),
        (LoaderName(), "state of the data loader"),
    ];

    // The names of files that one of several processes wrote: Llama, DeepSpeed, verl, and names such as pytorch_model_fsdp_rank0.bin.
    private static readonly Regex[] Ranks = [ConsolidatedName(), DeepSpeedName(), WorldRankName(), NamedRankName()];

    /// <summary>Whether a text in a file is the name of another file in the same folder, and not a path on any system.</summary>
    public static bool IsPlain(string name) =>
        name is not ("" or "." or "..") && !name.AsSpan().ContainsAny(@"/\:") && !ControlCharacters.AreInFileName(name);

    /// <summary>Whether a file is an index of shards: <c>*.index.json</c>, or with a variant, such as <c>*.index.fp16.json</c>.</summary>
    public static bool IsIndex(string name) => IndexName().IsMatch(name);

    /// <summary>Whether a file has the extension of a file of tensors.</summary>
    public static bool IsTensors(string name) =>
        TensorExtensions.Any(extension => name.EndsWith(extension, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether a file can be one of a folder with one file per tensor.</summary>
    public static bool CanBeSingle(string name) => SingleExtensions.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a file is a data file of a distributed checkpoint of PyTorch.</summary>
    public static bool IsDistributed(string name) => name.EndsWith(".distcp", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Returns the kind of a file that is saved with a model, such as <c>optimizer state</c>; null for a file that can be a model.
    /// </summary>
    public static string? CompanionKind(string name) => Array.Find(Companions, companion => companion.Name.IsMatch(name)).Kind;

    /// <summary>Returns the place in a set that a name states; null if it states none.</summary>
    public static PartName? PartOf(string name)
    {
        if (!name.Contains("of", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }
        Match match = CountedName().Match(name);
        int number = NumberOf(match.Groups["number"]);
        int count = NumberOf(match.Groups["count"]);
        return count > 0 && number <= count ? new PartName(Replace(name, match.Groups["number"], "*"), number, count) : null;
    }

    /// <summary>Returns the name of another part of a set.</summary>
    public static string SiblingOf(string name, int number)
    {
        Group own = CountedName().Match(name).Groups["number"];
        return Replace(name, own, number.ToString(CultureInfo.InvariantCulture).PadLeft(own.Length, '0'));
    }

    /// <summary>
    /// Returns the rank in the name of a file of one of several processes, such as 1 in <c>consolidated.01.pth</c>; null if there is none.
    /// The set is the common part of the names of all ranks. The count is the number of ranks that the name states, or 0.
    /// </summary>
    public static PartName? RankOf(string name)
    {
        Group? rank = Ranks.Select(names => names.Match(name).Groups["rank"]).FirstOrDefault(group => group.Success);
        return rank is null ? null
            : new PartName(Replace(name, rank, "*"), NumberOf(rank), NumberOf(WorldName().Match(name).Groups["count"]));
    }

    // Returns a number of at most six digits; 0 if the name has none.
    private static int NumberOf(Group digits) => digits.Success ? int.Parse(digits.ValueSpan, CultureInfo.InvariantCulture) : 0;

    private static string Replace(string name, Group group, string text) =>
        $"{name[..group.Index]}{text}{name[(group.Index + group.Length)..]}";

    /// <summary>
    /// Returns a name without its format. transformers, diffusers and peft save one model in two formats, such as <c>model.safetensors</c>
    /// and <c>pytorch_model.bin</c>. The result is equal for both files.
    /// </summary>
    public static string ModelOf(string name)
    {
        string model = FormatWord().Replace(name, "");
        return model.StartsWith("pytorch_model", StringComparison.OrdinalIgnoreCase) ? model["pytorch_".Length..] : model;
    }

    /// <summary>
    /// Returns the name of the model of an index, without the format and without <c>.index.json</c>; null if it is not an index.
    /// </summary>
    public static string? ModelOfIndex(string name) =>
        IndexName().Match(name) is { Success: true } index ? FormatWord().Replace(name[..index.Index], "") : null;

    private const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.IgnoreCase;

    [GeneratedRegex(@"\.index(\.[a-z0-9_-]+)?\.json$", Options)]
    private static partial Regex IndexName();

    [GeneratedRegex(@"(^|[-_.])(?<number>[0-9]{1,6})[-_]of[-_](?<count>[0-9]{1,6})(\.[a-z0-9_-]+)*$", Options)]
    private static partial Regex CountedName();

    [GeneratedRegex(@"^consolidated\.(?<rank>[0-9]{1,6})\.(pth|pt)$", Options)]
    private static partial Regex ConsolidatedName();

    [GeneratedRegex(@"^(zero_pp_rank_(?<rank>[0-9]{1,6})_.*|mp_rank_(?<rank>[0-9]{1,6})_)model_states\.pt$", Options)]
    private static partial Regex DeepSpeedName();

    [GeneratedRegex(@"_world_size_[0-9]+_rank_(?<rank>[0-9]{1,6})\.(pt|pth|bin)$", Options)]
    private static partial Regex WorldRankName();

    [GeneratedRegex(
        @"^(pytorch_model|model|checkpoint|weights)[-_.](.*[-_.])?rank[-_.]?(?<rank>[0-9]{1,6})\.(pt|pth|bin|safetensors)$", Options)]
    private static partial Regex NamedRankName();

    [GeneratedRegex(@"world_size[-_](?<count>[0-9]{1,6})[-_.]", Options)]
    private static partial Regex WorldName();

    [GeneratedRegex(@"\.(safetensors|bin)(?=\.|$)", Options)]
    private static partial Regex FormatWord();

    [GeneratedRegex(@"^optim(izer)?([-_][0-9]+|_world_size.*)?\.(pt|pth|bin|safetensors)$|_optim_states\.pt$", Options)]
    private static partial Regex OptimizerName();

    [GeneratedRegex(@"^(lr_)?scheduler([-_][0-9]+)?\.(pt|pth|bin)$", Options)]
    private static partial Regex SchedulerName();

    [GeneratedRegex(@"^(rng_state|random_states?|extra_state)([-_].+)?\.(pt|pth|bin|pkl)$", Options)]
    private static partial Regex RandomName();

    [GeneratedRegex(@"^training_args\.(bin|pt|pth)$", Options)]
    private static partial Regex ArgumentsName();

    [GeneratedRegex(@"^(grad_)?scaler([-_][0-9]+)?\.(pt|pth|bin)$", Options)]
    private static partial Regex ScalerName();

    [GeneratedRegex(@"^(sampler|dl_state_dict|dataloader)([-_][0-9]+)?\.(pt|pth|bin)$", Options)]
    private static partial Regex LoaderName();
}
