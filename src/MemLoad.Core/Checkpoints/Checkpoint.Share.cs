namespace MemLoad;

public sealed partial class Checkpoint
{
    /// <summary>
    /// Returns the part of one rank: a contiguous range of the storages in the order of the checkpoint. All ranges have about the same
    /// number of bytes. A storage, with all tensors that share it, belongs to the rank whose range of bytes contains its middle.
    /// </summary>
    /// <remarks>The bytes in the files determine the split. Casts in memory have no effect on it.</remarks>
    /// <param name="rank">Number of the rank, from 0 as in <c>torch.distributed</c>.</param>
    /// <param name="count">The number of ranks.</param>
    /// <exception cref="MemLoadException">ML6009: the rank does not exist; ML6006: its part is empty.</exception>
    public Checkpoint Share(int rank, int count)
    {
        RequireRank(rank, count);
        if (count == 1)
        {
            return this;
        }
        int[] owners = new int[Storages.Length];
        long total = Math.Max(1, ModelBytes);
        long before = 0;
        for (int i = 0; i < owners.Length; i++)
        {
            Int128 middle = before + ((Int128)Storages[i].Length / 2);
            owners[i] = (int)Int128.Min(count - 1, middle * count / total);
            before += Storages[i].Length;
        }
        TensorEntry[] own = [.. Tensors.Where(tensor => owners[tensor.Storage] == rank)];
        return own.Length == 0
            ? throw Rules.NothingSelected.Broken(
                $"none of the {Storages.Length} storages is assigned to rank {rank} of {count}",
                Path,
                remedy: $"Split it among fewer ranks ({Setting.RankCount}).")
            : Narrowed(Storages, [.. own], Metadata);
    }

    private static void RequireRank(int rank, int count)
    {
        if (count < 1 || rank < 0 || rank >= count)
        {
            throw Rules.RankOutside.Broken(
                $"rank {rank} of {count} was requested",
                remedy: count <= 1
                    ? (Remedy)$"Give the number of ranks ({Setting.RankCount})."
                    : (Remedy)$"The ranks of {count} are 0 to {count - 1} ({Setting.Rank}).");
        }
    }
}
