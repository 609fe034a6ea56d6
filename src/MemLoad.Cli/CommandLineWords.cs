using System.Text.RegularExpressions;

namespace MemLoad.Cli;

/// <summary>The words of messages for settings and commands on the command line.</summary>
internal static partial class CommandLineWords
{
    public static readonly Vocabulary Vocabulary = Vocabulary.From(
        Option,
        act => act switch
        {
            Act.Convert => "'memload convert{0}'",
            Act.Inspect => "'memload inspect{0}'",
            Act.Load => "'memload invoke{0}'",
            Act.Manifest => "'memload manifest{0}'",
            Act.Measure => "'memload measure{0}'",
            Act.Plan => "'memload plan{0}'",
            Act.Runtime => "'memload runtime{0}'",
            Act.Test => "'memload test{0}'",
            _ => throw new ArgumentOutOfRangeException(nameof(act)),
        });

    private static string Option(Setting setting) => setting switch
    {
        Setting.DType => "--dtype",
        Setting.Format => "--to",
        Setting.HeadCount => "--heads",
        _ => "--" + InnerCapitals().Replace(setting.ToString(), "-$0").ToLowerInvariant(),
    };

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex InnerCapitals();
}
