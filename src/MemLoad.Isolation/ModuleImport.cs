using System.Management.Automation;

namespace MemLoad.Isolation;

/// <summary>
/// PowerShell calls this class when it imports the assembly, which the manifest names as a nested module. PowerShell imports nested modules
/// before the root module. So the library is in its load context when the cmdlets first need it.
/// </summary>
public sealed class ModuleImport : IModuleAssemblyInitializer
{
    /// <summary>Creates the load context, unless an earlier import in this process created it.</summary>
    public void OnImport() => ModuleLoadContext.Use();
}
