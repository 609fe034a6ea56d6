namespace MemLoad;

/// <summary>Model on the device, state dict on the host, copied one by one, each through a device tensor of its own: one tensor more than the model.</summary>
internal static class SequentialStrategy
{
    public static void Write(PlanWriter plan)
    {
        int[] model = plan.BuildAndMove();
        StateDictCopy.Write(plan, model, LoadOnHost, CopyThroughDevice);

        int LoadOnHost(int storage)
        {
            int loaded = plan.AllocateAsInFile(MemoryPool.Host, storage);
            plan.Read(storage, loaded);
            return loaded;
        }

        // param.copy_(state_dict[name].to(device)): on an accelerator the argument is a tensor of its own for as long as the copy takes.
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
