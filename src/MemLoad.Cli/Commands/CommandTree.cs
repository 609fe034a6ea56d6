using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace MemLoad.Cli;

/// <summary>All commands, and what their help pages share.</summary>
internal static class CommandTree
{
    public static RootCommand Build(CliConsole console)
    {
        var root = new RootCommand("Loads model weights in the memory you have, and tells you what a load costs before you pay for it.")
        {
            HelpName = "memload",
        };
        root.Add(MeasureCommand.Build(console));
        root.Add(PlanCommand.Build(console));
        root.Add(InspectCommand.Build(console));
        root.Add(TestCommand.Build(console));
        root.Add(ConvertCommand.Build(console));
        root.Add(NewCommand.Build(console));
        root.Add(InvokeCommand.Build(console));
        root.Add(RuntimeCommand.Build(console));

        Option help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Show help.";
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        root.Options.OfType<VersionOption>().Single().Description = "Show the version.";
        // Without a command: what there is.
        root.SetAction(parsed => ((SynchronousCommandLineAction)help.Action).Invoke(parsed));
        return root;
    }

    // The stock page ends with the options; people start from an example.
    private sealed class HelpWithExamples(HelpAction page) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parsed)
        {
            page.MaxWidth = Math.Min(page.MaxWidth, 100);
            int code = page.Invoke(parsed);
            TextWriter output = parsed.InvocationConfiguration.Output;
            foreach (string line in Examples.For(parsed.CommandResult.Command.Name))
            {
                output.WriteLine(line);
            }
            return code;
        }
    }
}
