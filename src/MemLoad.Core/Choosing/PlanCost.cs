namespace MemLoad;

/// <summary>A third reader of plans: adds up the time its steps take on a machine of known speed.</summary>
internal static class PlanCost
{
    /// <summary>The time of a plan in microseconds.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="speed">The machine's speed with the plan's device.</param>
    /// <param name="cachedShare">How much of the files lies in the page cache, from 0 to 1.</param>
    public static long Of(LoadPlan plan, MachineSpeed speed, double cachedShare)
    {
        bool[] touched = new bool[plan.Buffers.Length];
        // What a device's allocator got back it gives out again, touched before.
        long recycled = 0;
        double nanoseconds = 0;
        foreach (PlanStep step in plan.Steps)
        {
            PlanBuffer buffer = plan.Buffers[step.Buffer];
            nanoseconds += speed[Work.Step];
            switch (step.Kind)
            {
                case StepKind.Allocate when buffer.Pool == MemoryPool.Device && recycled >= buffer.Bytes:
                    recycled -= buffer.Bytes;
                    touched[step.Buffer] = true;
                    break;
                case StepKind.Release when buffer.Pool == MemoryPool.Device:
                    recycled += buffer.Bytes;
                    break;
                case StepKind.Release when buffer.Pool == MemoryPool.Host:
                    nanoseconds += buffer.Bytes * speed[Work.Release];
                    break;
                case StepKind.Initialise or StepKind.Read or StepKind.Copy:
                    nanoseconds += plan.Checkpoint.Storages[step.Storage].Length * PerByte(plan, step, speed, touched[step.Buffer], cachedShare);
                    touched[step.Buffer] = true;
                    break;
                default:
                    break;
            }
        }
        return Math.Max(1, (long)(nanoseconds / 1000));
    }

    private static double PerByte(LoadPlan plan, PlanStep step, MachineSpeed speed, bool touched, double cachedShare)
    {
        if (step.Kind == StepKind.Initialise)
        {
            return speed[Work.Initialise];
        }
        if (step.Kind == StepKind.Read)
        {
            return step.Source < 0
                ? Mixed(speed[Work.ReadInPlace], speed[Work.ReadInPlaceCold])
                : Mixed(speed[Work.ReadThroughRing, RingKey(plan.RingBytes)], speed[Work.ReadThroughRingCold]);
        }
        bool toDevice = plan.Buffers[step.Buffer].Pool == MemoryPool.Device;
        return plan.Buffers[step.Source].Pool switch
        {
            MemoryPool.MappedFile => Mixed(speed[Work.CopyMapped], speed[Work.CopyMappedCold]),
            MemoryPool.Device => speed[touched ? Work.CopyOnDevice : Work.CopyOnDeviceFresh],
            _ when toDevice => speed[touched ? Work.CopyToDevice : Work.CopyToDeviceFresh],
            _ => speed[touched ? Work.CopyOnHost : Work.CopyOnHostFresh],
        };

        // Whatever is not cached comes at the disk's speed, and never faster than from the cache.
        double Mixed(double warm, double cold) => (cachedShare * warm) + ((1 - cachedShare) * Math.Max(warm, cold));
    }

    // A ring cut down to a small model costs what the next larger one costs.
    private static long RingKey(long ringBytes) => StagingRing.Sizes.Where(size => size >= ringBytes).DefaultIfEmpty(StagingRing.DefaultBytes).Min();
}
