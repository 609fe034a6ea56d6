using System.Reflection;
using System.Runtime.Loader;
using System.Xml.Linq;
using MemLoad.Help;

// HelpBuilder forwards <assembly> <source file to write>
if (args is ["forwards", string library, string source])
{
    File.WriteAllText(source, TypeForwards.For(library));
    return 0;
}

// HelpBuilder <folder of markdown> <cmdlet assembly> <help file to write>
string folder = args[0];
string assemblyPath = Path.GetFullPath(args[1]);
string target = args[2];

AssemblyLoadContext.Default.Resolving += (context, name) =>
{
    string beside = Path.Combine(Path.GetDirectoryName(assemblyPath)!, name.Name + ".dll");
    return File.Exists(beside) ? context.LoadFromAssemblyPath(beside) : null;
};
Assembly assembly = AssemblyLoadContext.Default.LoadFromAssemblyPath(assemblyPath);
var problems = new List<string>();
var commands = new List<XElement>();
foreach (CmdletShape cmdlet in CmdletShape.AllIn(assembly))
{
    string page = Path.Combine(folder, cmdlet.Name + ".md");
    if (!File.Exists(page))
    {
        problems.Add($"{page}: missing");
        continue;
    }
    var text = HelpPage.Read(page);
    problems.AddRange(text.ProblemsWith(cmdlet).Select(problem => $"{page}: {problem}"));
    commands.Add(Maml.Command(cmdlet, text));
}
if (problems.Count > 0)
{
    // In the form that build logs understand.
    problems.ForEach(problem => Console.Error.WriteLine($"HelpBuilder : error HELP001: {problem}"));
    return 1;
}
Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(target))!);
Maml.Document(commands).Save(target);
return 0;
