namespace MemLoad;

/// <summary>
/// Builds the model on the device and loads the state dict on the host. Each tensor is copied through its own device tensor, so the device
/// holds one tensor more than the model.
/// </summary>
internal static class SequentialStrategy
{
    public static void Write(PlanWriter plan)
    {
        int[] model = plan.BuildAndMove();
        StateDictCopy.Write(plan, model, plan.LoadOnHost, CopyThroughDevice);

        // param.copy_(state_dict[name].to(device)): on an accelerator the argument is a separate tensor during the copy.
        void CopyThroughDevice(int storage, int source, int target)
        {
            if (plan.DeviceIsHost)
            {
                plan.Copy(storage, source, target);
                return;
            }
            int moved = plan.AllocateAsInFile(MemoryPool.Device, storage);
            plan.Copy(storage, source, moved);
            plan.Copy(storage, moved, target);
            plan.Release(moved);
        }
    }
}
