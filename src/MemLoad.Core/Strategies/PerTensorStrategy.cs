namespace MemLoad;

/// <summary>Allocated empty on the device, then one whole tensor at a time through the host. Works on any checkpoint: extents need no file a tensor.</summary>
internal static class PerTensorStrategy
{
    public static void Write(PlanWriter plan)
    {
        int[] model = plan.ToEmpty();
        plan.Phase = PlanPhase.Fill;
        foreach (int storage in plan.Storages)
        {
            int loaded = plan.AllocateAsInFile(MemoryPool.Host, storage);
            plan.Read(storage, loaded);
            plan.Copy(storage, loaded, model[storage]);
            plan.Release(loaded);
        }
    }
}
