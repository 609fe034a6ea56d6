namespace MemLoad;

/// <summary>
/// Maps the file. On the host the mapped pages become the model's memory (<c>assign=True</c>). Storages for another device or with a cast
/// are copied from the mapping. Storages that are not aligned in a distributed checkpoint are copied, too. A mapping that no storage uses
/// at the end is freed. Storages in chunks are not mapped, because the load is refused before (ML5114).
/// </summary>
internal static class MmapStrategy
{
    public static void Write(PlanWriter plan)
    {
        plan.Phase = PlanPhase.MapFile;
        int[] files = [.. Enumerable.Range(0, plan.FileCount).Select(plan.Map)];
        bool[] assigned = new bool[files.Length];
        plan.Phase = PlanPhase.Fill;
        foreach (int storage in plan.Storages)
        {
            int file = plan.FileOf(storage);
            if (plan.DeviceIsHost && !plan.IsCast(storage) && !plan.IsInChunks(storage) && !plan.MustBeAligned(storage))
            {
                plan.Place(storage, files[file]);
                assigned[file] = true;
                continue;
            }
            int tensor = plan.Allocate(plan.DevicePool, storage);
            plan.Copy(storage, files[file], tensor);
            plan.Place(storage, tensor);
        }
        plan.Phase = PlanPhase.Release;
        foreach (int file in Enumerable.Range(0, files.Length).Where(file => !assigned[file]))
        {
            plan.Release(files[file]);
        }
    }
}
