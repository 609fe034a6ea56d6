namespace MemLoad;

/// <summary>What a user can set, under the names of parameters in the module.</summary>
internal enum Setting
{
    Cache, Deep, Device, DeviceMemoryLimit, DType, Exclude, Force, Format, HeadCount, HostMemoryLimit, Include, InProcess, Key, Model, Path, Rank, RankCount,
    Size, Strategy, TimelinePath,
}

/// <summary>What a user can have done: each is a command and a cmdlet.</summary>
internal enum Act
{
    Convert, Inspect, Load, Measure, Plan, Runtime, Test,
}

/// <summary>
/// The words of the program that a user types into. The library has those of its own members; a program sets its own once, as it starts. They are data, so
/// that a measured child process can be given those of the process that started it.
/// </summary>
/// <param name="Settings">The name of each setting.</param>
/// <param name="Acts">Each command; <c>{0}</c> stands where a setting of it comes.</param>
internal sealed record Vocabulary(IReadOnlyDictionary<Setting, string> Settings, IReadOnlyDictionary<Act, string> Acts)
{
    /// <summary>The words of the program that runs.</summary>
    public static Vocabulary Current { get; set; } = new(
        Enum.GetValues<Setting>().ToDictionary(setting => setting, setting => setting.ToString()),
        new Dictionary<Act, string>
        {
            [Act.Convert] = "CheckpointWriter.Write{0}",
            [Act.Inspect] = "Checkpoint.Open{0}",
            [Act.Load] = "WeightLoader.Load{0}",
            [Act.Measure] = "MeasureSession{0}",
            [Act.Plan] = "LoadPlanner.Forecast{0}",
            [Act.Runtime] = "DeviceRegistry{0}",
            [Act.Test] = "WeightTester.Test{0}",
        });

    /// <summary>The name of a setting.</summary>
    /// <param name="setting">The setting.</param>
    public string Of(Setting setting) => Settings[setting];

    /// <summary>The name of a command.</summary>
    /// <param name="act">What it does.</param>
    /// <param name="setting">A setting of it; null for none.</param>
    public string Of(Act act, Setting? setting = null) => Acts[act].Replace("{0}", setting is Setting one ? " " + Of(one) : "", StringComparison.Ordinal);
}
