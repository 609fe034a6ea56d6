namespace MemLoad.Models;

/// <summary>PowerShell calls this class when the module is removed. It frees the models of the session.</summary>
public sealed class ModuleCleanup : IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo) => ModelSession.Current.Clear();
}
