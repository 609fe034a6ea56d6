using System.CommandLine;
using MemLoad;
using MemLoad.Bench;

if (args is [Contender.Verb, .. string[] rest])
{
    return Contender.Run(rest);
}
if (args is [ForwardCommand.Verb, string what, string path, string ids, string heads])
{
    return ForwardCommand.Run(what, path, ids, heads);
}
var root = new RootCommand("Measures MemLoad beside the limits of the machine it runs on, and beside PyTorch where there is one.")
{
    LoadCommand.Build(),
    ForwardCommand.Build(),
    SmallCommand.Build(),
};
try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (MemLoadException error)
{
    Console.Error.WriteLine(error.Message);
    return 1;
}
