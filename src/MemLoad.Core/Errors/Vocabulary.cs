namespace MemLoad;

/// <summary>The settings of a user, named like the parameters of the module.</summary>
internal enum Setting
{
    AllowOpaque, Cache, ContextLength, Deep, Device, DeviceMemoryLimit, DType, Exclude, FailAbove, Force, Format,
    HeadCount, HostMemoryLimit, Include, InProcess, Key, MaxShardSize, Model, ModelName, Path, Rank, RankCount, Remote, Sequences,
    Size, Split, Strategy, TimelinePath,
}

/// <summary>The actions of a user. Each is a command and a cmdlet.</summary>
internal enum Act
{
    Convert, Inspect, Load, Manifest, Measure, Plan, Runtime, Test,
}

/// <summary>
/// The words of a program for settings and commands. The library has those of its own members. A program sets its own words once, at its
/// start. They are data, so that a measured child process can receive the words of its parent. The text <c>{0}</c> in the name of a command
/// stands for a setting of the command.
/// </summary>
/// <param name="Settings">The names of the settings, in the order of <see cref="Setting"/>.</param>
/// <param name="Acts">The names of the commands, in the order of <see cref="Act"/>.</param>
internal sealed record Vocabulary(IReadOnlyList<string> Settings, IReadOnlyList<string> Acts)
{
    /// <summary>The words of the running program.</summary>
    public static Vocabulary Current { get; set; } = From(
        setting => setting.ToString(),
        act => act switch
        {
            Act.Convert => "CheckpointWriter.Write{0}",
            Act.Inspect => "Checkpoint.Open{0}",
            Act.Load => "WeightLoader.Load{0}",
            Act.Manifest => "ManifestWriter.Write{0}",
            Act.Measure => "MeasureSession{0}",
            Act.Plan => "LoadPlanner.Forecast{0}",
            Act.Runtime => "DeviceRegistry{0}",
            Act.Test => "WeightTester.Test{0}",
            _ => throw new ArgumentOutOfRangeException(nameof(act)),
        });

    /// <summary>Creates the words of a program from the name of each setting and of each command.</summary>
    public static Vocabulary From(Func<Setting, string> setting, Func<Act, string> act) => new(
        [.. Enum.GetNames<Setting>().Select((_, number) => setting((Setting)number))],
        [.. Enum.GetNames<Act>().Select((_, number) => act((Act)number))]);

    public string Of(Setting setting) => Settings[(int)setting];

    public string Of(Act act, Setting? setting = null) =>
        Acts[(int)act].Replace("{0}", setting is Setting one ? " " + Of(one) : "", StringComparison.Ordinal);
}
