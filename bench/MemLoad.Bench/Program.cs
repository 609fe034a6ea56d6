using System.CommandLine;
using MemLoad.Bench;

if (args is [Contender.Verb, .. string[] rest])
{
    return Contender.Run(rest);
}
if (args is [ForwardCommand.Verb, string what, string size, string path, string ids])
{
    return ForwardCommand.Run(what, size, path, ids);
}
var root = new RootCommand("Measures MemLoad beside the limits of the machine it runs on, and beside PyTorch where there is one.")
{
    LoadCommand.Build(),
    ForwardCommand.Build(),
    SmallCommand.Build(),
};
return await root.Parse(args).InvokeAsync();
