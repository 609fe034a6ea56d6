namespace MemLoad;

/// <summary>One rank's part of a checkpoint.</summary>
public sealed partial class Checkpoint
{
    /// <summary>
    /// The part of one rank of several: a contiguous range of the storages in the checkpoint's order, all ranges of about the same bytes. Each
    /// storage, with all tensors that share it, belongs to the rank in whose share of the bytes its middle lies.
    /// </summary>
    /// <remarks>What is shared out is the bytes in the files, whatever they are cast to in memory.</remarks>
    /// <param name="rank">Number of the rank, from 0 as in <c>torch.distributed</c>.</param>
    /// <param name="count">How many ranks there are.</param>
    /// <exception cref="MemLoadException">ML6009: there is no such rank; ML6006: nothing falls to it.</exception>
    public Checkpoint Share(int rank, int count)
    {
        if (count < 1 || rank < 0 || rank >= count)
        {
            throw Rules.RankOutside.Broken(
                $"rank {rank} of {count} was asked for",
                remedy: count <= 1
                    ? (Remedy)$"Say among how many ranks the checkpoint is split: {Setting.RankCount}."
                    : $"Ranks count from 0: of {count} they are 0 to {count - 1} ({Setting.Rank}).");
        }
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
                $"none of the {Storages.Length} storages falls to rank {rank} of {count}", Path, remedy: $"Split it among fewer ranks ({Setting.RankCount}).")
            : CheckpointBuilder.Trim(Path, Format, Files, Storages, [.. own], Metadata);
    }
}
