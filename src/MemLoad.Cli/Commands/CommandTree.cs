using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace MemLoad.Cli;

/// <summary>All commands, and the common parts of their help pages.</summary>
internal static class CommandTree
{
    private static readonly (string Name, string Description, Func<CliConsole, Command> Build)[] Commands =
    [
        ("measure", MeasureCommand.Description, MeasureCommand.Build),
        ("plan", PlanCommand.Description, PlanCommand.Build),
        ("inspect", InspectCommand.Description, InspectCommand.Build),
        ("test", TestCommand.Description, TestCommand.Build),
        ("manifest", ManifestCommand.Description, ManifestCommand.Build),
        ("warm", WarmCommand.Description, WarmCommand.Build),
        ("convert", ConvertCommand.Description, ConvertCommand.Build),
        ("new", NewCommand.Description, NewCommand.Build),
        ("invoke", InvokeCommand.Description, InvokeCommand.Build),
        ("report", ReportCommand.Description, ReportCommand.Build),
        ("runtime", RuntimeCommand.Description, RuntimeCommand.Build),
        ("completion", CompletionCommand.Description, CompletionCommand.Build),
        (HelpCommand.Name, HelpCommand.Description, HelpCommand.Build),
        (CompletionCommand.WordsName, CompletionCommand.WordsDescription, CompletionCommand.BuildWords),
    ];

    public static bool Has(string name) => Commands.Any(command => command.Name == name);

    /// <summary>
    /// Returns the tree for one command line: the named command with its options, the others with only name and description. Options that
    /// are not needed would take most of the start-up time of a small command. <paramref name="program"/> is null if MemLoad loads.
    /// </summary>
    public static RootCommand Build(CliConsole console, IReadOnlyList<string> args, IReadOnlyList<string>? program = null)
    {
        string? asked = args.FirstOrDefault(argument => !argument.StartsWith('-'));
        var root = new RootCommand("Loads model weights in limited memory, and forecasts the memory and time of a load.")
        {
            HelpName = "memload",
        };
        foreach ((string name, string description, Func<CliConsole, Command> build) in Commands)
        {
            // Directives such as "[suggest]" read the options of all commands.
            root.Add(name == asked || asked?.StartsWith('[') == true
                ? program is null ? build(console) : MeasureCommand.Build(console, program)
                : new Command(name, description) { Hidden = name == CompletionCommand.WordsName });
        }

        Option help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Show help.";
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        root.Options.OfType<VersionOption>().Single().Description = "Show the version.";
        // Without a command, help lists the commands.
        root.SetAction(parsed => ((SynchronousCommandLineAction)help.Action).Invoke(parsed));
        return root;
    }

    // The standard page ends with the options. Examples help users to start.
    private sealed class HelpWithExamples(HelpAction page) : SynchronousCommandLineAction
    {
        private const int LeastWidth = 40;
        private const int MostWidth = 100;

        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parsed)
        {
            // The parser cannot write a page that is narrower than its columns. Some serial lines report no width.
            page.MaxWidth = Math.Clamp(page.MaxWidth, LeastWidth, MostWidth);
            TextWriter output = parsed.InvocationConfiguration.Output;
            using var text = new StringWriter();
            parsed.InvocationConfiguration.Output = text;
            int code = page.Invoke(parsed);
            parsed.InvocationConfiguration.Output = output;
            // The parser takes several paths, so that the error for the second one can be clear. The command may take one.
            bool several = parsed.CommandResult.Command.Options
                .Any(option => option.Name == "--path" && option.AllowMultipleArgumentsPerToken);
            output.Write(several ? text.ToString() : text.ToString().Replace("<path>...", "<path>", StringComparison.Ordinal));
            foreach (string line in Examples.For(parsed.CommandResult.Command.Name))
            {
                output.WriteLine(line);
            }
            return code;
        }
    }
}
