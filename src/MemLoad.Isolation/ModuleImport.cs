using System.Management.Automation;

namespace MemLoad.Isolation;

/// <summary>PowerShell calls it when it imports this assembly, which the manifest names as a nested module. PowerShell imports nested
/// modules before the root module, so the library is found in its load context when the cmdlets first need it.</summary>
public sealed class ModuleImport : IModuleAssemblyInitializer
{
    /// <summary>Makes the load context, unless an import in this process has made it already.</summary>
    public void OnImport() => ModuleLoadContext.Use();
}
