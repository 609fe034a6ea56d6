using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;

namespace MemLoad.Models;

/// <summary>The models of one runspace, and the device memory that they hold. Parallel runspaces do not see each other's models.</summary>
internal sealed class ModelSession
{
    /// <summary>The remedy of errors on models that are not in the session.</summary>
    public const string ListsModels = "Get-GptModel lists the models of this session.";

    /// <summary>Returns the error for a model that is not in the session (ML6030).</summary>
    public static MemLoadException Unknown(string what) =>
        Rules.ModelUnknown.Broken($"there is no model {what} in this session", remedy: ListsModels);

    private static readonly ConditionalWeakTable<Runspace, ModelSession> Sessions = [];

    private readonly Lock _changing = new();
    private readonly List<LoadedGptModel> _models = [];
    private long _peakDeviceBytes;
    private int _lastId;

    private ModelSession(Runspace runspace) => runspace.StateChanged += (_, change) =>
    {
        // A runspace that closes without removing the module also frees its models.
        if (change.RunspaceStateInfo.State is RunspaceState.Closed or RunspaceState.Broken)
        {
            Clear();
        }
    };

    /// <summary>The session of the runspace of the calling command.</summary>
    public static ModelSession Current => Sessions.GetValue(Runspace.DefaultRunspace, runspace => new ModelSession(runspace));

    /// <summary>The current models, oldest first.</summary>
    public LoadedGptModel[] Models
    {
        get
        {
            lock (_changing)
            {
                // A script or another runspace can have disposed a model.
                _ = _models.RemoveAll(model => model.IsRemoved);
                return [.. _models];
            }
        }
    }

    /// <summary>Device memory that the models hold now.</summary>
    public long DeviceBytes => Models.Sum(model => model.DeviceMemory.Allocated);

    /// <summary>Device memory that the devices of the models have reserved now.</summary>
    public long DeviceReservedBytes => Models.Sum(model => model.DeviceMemory.Reserved);

    /// <summary>
    /// The most device memory that was held at the same time since the last reset. It is the memory at the start of a load plus the peak of
    /// the load.
    /// </summary>
    public long PeakDeviceBytes => Math.Max(_peakDeviceBytes, DeviceBytes);

    public void ResetPeak() => _peakDeviceBytes = DeviceBytes;

    /// <summary>Records the peak of a device that was just filled, while the earlier models existed.</summary>
    public void Observe(IDevice device) => _peakDeviceBytes = Math.Max(_peakDeviceBytes, DeviceBytes + device.Memory.PeakAllocated);

    public void Add(LoadedGptModel model)
    {
        lock (_changing)
        {
            model.Id = ++_lastId;
            _models.Add(model);
        }
    }

    public void Remove(LoadedGptModel model)
    {
        lock (_changing)
        {
            _models.Remove(model);
        }
        model.Dispose();
    }

    public void Clear()
    {
        foreach (LoadedGptModel model in Models)
        {
            Remove(model);
        }
    }
}
