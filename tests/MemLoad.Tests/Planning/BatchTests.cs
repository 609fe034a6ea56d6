namespace MemLoad.Tests.Planning;

/// <summary>The steps of a plan that are executed together.</summary>
public sealed class BatchTests
{
    [Theory]
    [MemberData(nameof(StrategiesByDevice.All), MemberType = typeof(StrategiesByDevice))]
    public void A_batch_allocates_on_the_host_or_reads_or_reads_and_copies_through_one_buffer(Strategy strategy, string name)
    {
        using IDevice device = DeviceRegistry.Open(name);
        var plan = LoadPlan.Create(strategy, SyntheticCheckpoint.OfCounts(10, 5_000_000, 0, 77), device);
        foreach (
            PlanStep[] batch in plan.Steps.GroupBy(step => step.Batch).Select(steps => steps.ToArray()).Where(steps => steps.Length > 1))
        {
            switch (batch[0].Kind)
            {
                case StepKind.Allocate:
                    Assert.All(batch, step =>
                        Assert.True(step is { Kind: StepKind.Allocate, Storage: >= 0 } && plan.Buffers[step.Buffer].Pool == MemoryPool.Host)
                    );
                    break;
                case StepKind.Read when batch[1].Kind == StepKind.Read:
                    Assert.All(batch, step => Assert.True(step.Kind == StepKind.Read && step.Source == batch[0].Source));
                    break;
                default:
                    Assert.All(batch.Chunk(2), pair => Assert.True(
                        pair is [{ Kind: StepKind.Read, Source: < 0 } read, { Kind: StepKind.Copy } copy]
                        && read.Buffer == batch[0].Buffer && copy.Source == read.Buffer && copy.Storage == read.Storage));
                    break;
            }
        }
    }

    [Theory]
    [MemberData(nameof(StrategiesByDevice.All), MemberType = typeof(StrategiesByDevice))]
    public void Batches_are_carried_out_one_after_the_other_as_the_plan_has_them(Strategy strategy, string name)
    {
        using IDevice device = DeviceRegistry.Open(name);
        var plan = LoadPlan.Create(strategy, Checkpoint.Open(Fixtures.PathOf("tiny/fp32.safetensors")), device);
        var begun = new List<int>();
        using LoadedWeights weights = PlanRunner.Run(plan, device, begun.Add);
        Assert.Equal(
            plan.Steps.Select((step, index) => (step.Batch, index)).GroupBy(step => step.Batch, (_, steps) => steps.First().index), begun);
    }
}
