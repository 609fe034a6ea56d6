namespace MemLoad;

/// <summary>Map the file. On the host the model takes the mapped pages over (<c>assign=True</c>); elsewhere they are copied to the device.</summary>
internal static class MmapStrategy
{
    public static void Write(PlanWriter plan)
    {
        plan.Phase = PlanPhase.MapFile;
        int[] files = [.. Enumerable.Range(0, plan.FileCount).Select(plan.Map)];
        if (plan.DeviceIsHost)
        {
            foreach (int storage in plan.Storages)
            {
                plan.Place(storage, files[plan.FileOf(storage)]);
            }
            return;
        }
        plan.Phase = PlanPhase.Fill;
        foreach (int storage in plan.Storages)
        {
            int tensor = plan.Allocate(MemoryPool.Device, storage);
            plan.Copy(storage, files[plan.FileOf(storage)], tensor);
            plan.Place(storage, tensor);
        }
        plan.Phase = PlanPhase.Release;
        foreach (int file in files)
        {
            plan.Release(file);
        }
    }
}
