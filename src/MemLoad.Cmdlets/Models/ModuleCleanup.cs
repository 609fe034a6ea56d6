using System.Management.Automation;

namespace MemLoad.Models;

/// <summary>Called by PowerShell when the module is removed: the session's models go with it.</summary>
public sealed class ModuleCleanup : IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo) => ModelSession.Current.Clear();
}
