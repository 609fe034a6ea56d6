namespace MemLoad;

/// <summary>What a user can set.</summary>
public enum Setting
{
    /// <summary>State of the page cache.</summary>
    Cache,
    /// <summary>Read the bytes, too.</summary>
    Deep,
    /// <summary>The device.</summary>
    Device,
    /// <summary>The limit of device memory.</summary>
    DeviceMemoryLimit,
    /// <summary>The type that weights are cast to.</summary>
    DType,
    /// <summary>Name patterns to drop.</summary>
    Exclude,
    /// <summary>Do it all the same.</summary>
    Force,
    /// <summary>The format of a file.</summary>
    Format,
    /// <summary>The number of attention heads.</summary>
    HeadCount,
    /// <summary>The limit of host memory.</summary>
    HostMemoryLimit,
    /// <summary>Name patterns to keep.</summary>
    Include,
    /// <summary>Measure in this process.</summary>
    InProcess,
    /// <summary>A container of the checkpoint.</summary>
    Key,
    /// <summary>A model in memory.</summary>
    Model,
    /// <summary>A file or folder.</summary>
    Path,
    /// <summary>The number of a rank.</summary>
    Rank,
    /// <summary>How many ranks there are.</summary>
    RankCount,
    /// <summary>A model size.</summary>
    Size,
    /// <summary>The strategy.</summary>
    Strategy,
    /// <summary>The file that samples are added to.</summary>
    TimelinePath,
}

/// <summary>What a user can have done.</summary>
public enum Act
{
    /// <summary>Write a checkpoint in another format.</summary>
    Convert,
    /// <summary>List the tensors of a checkpoint.</summary>
    Inspect,
    /// <summary>Load weights and use them.</summary>
    Load,
    /// <summary>Measure loads.</summary>
    Measure,
    /// <summary>Forecast loads.</summary>
    Plan,
    /// <summary>List the devices and libraries of this machine.</summary>
    Runtime,
    /// <summary>Test whether a checkpoint is sound.</summary>
    Test,
}

/// <summary>
/// The words of the program that a user types into. The library has those of its own members; a program sets its own once, as it starts. They are data, so
/// that a measured child process can be given those of the process that started it.
/// </summary>
/// <param name="Settings">The name of each setting.</param>
/// <param name="Acts">Each command; <c>{0}</c> stands where a setting of it comes.</param>
public sealed record Vocabulary(IReadOnlyDictionary<Setting, string> Settings, IReadOnlyDictionary<Act, string> Acts)
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
