namespace MemLoad;

/// <summary>Compares weights with a manifest: first their headers, then their bytes.</summary>
internal static class ManifestMatch
{
    private const int MostDiffering = 20;
    private const int MostNamed = 5;

    /// <summary>Checks that a checkpoint in memory has exactly the names of the manifest, each with its dtype and shape.</summary>
    /// <exception cref="MemLoadException">ML6110: the missing, unexpected and different tensors, up to five of each.</exception>
    public static void RequireTensors(WeightManifest manifest, LoadView view)
    {
        var remaining = manifest.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        var unexpected = new List<string>();
        var different = new List<string>();
        foreach (TensorEntry tensor in view.Tensors)
        {
            if (!remaining.Remove(tensor.Name, out TensorDigest? stated))
            {
                unexpected.Add(Printable.Quote(tensor.Name));
            }
            else if (stated.DType != tensor.DType || !stated.Shape.AsSpan().SequenceEqual(tensor.Shape.AsSpan()))
            {
                string name = Printable.Quote(tensor.Name);
                different.Add($"{name} is {Describe(tensor.DType, tensor.Shape)} and not {Describe(stated.DType, stated.Shape)}");
            }
        }
        string[] missing =
            [.. manifest.Tensors.Where(tensor => remaining.ContainsKey(tensor.Name)).Select(tensor => Printable.Quote(tensor.Name))];
        if (missing.Length + unexpected.Count + different.Count > 0)
        {
            string cast = different.Count > 0 && view.DType is DType dtype ? $" (cast to {dtype.TorchName()})" : "";
            string[] parts =
            [
                .. Part("not there", missing),
                .. Part("not in the manifest", unexpected),
                .. Part($"of another dtype or shape{cast}", different),
            ];
            throw Rules.ManifestTensorsDiffer.Broken(string.Join("; ", parts), view.Checkpoint.Path);
        }
    }

    /// <summary>
    /// Returns the indices of the tensors whose bytes differ from the manifest. Their names were compared before. They can be a part of the
    /// manifest.
    /// </summary>
    public static int[] Differing(WeightManifest manifest, ImmutableArray<TensorEntry> tensors, string[] hashes)
    {
        var stated = manifest.Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Sha256, StringComparer.Ordinal);
        return [.. Enumerable.Range(0, tensors.Length).Where(i => stated[tensors[i].Name] != hashes[i])];
    }

    /// <summary>Returns the error for tensors that differ (ML6111). Its position is that of the first of them in its file.</summary>
    public static MemLoadException BytesDiffer(Checkpoint checkpoint, int[] differing)
    {
        TensorEntry first = checkpoint.Tensors[differing[0]];
        Extent storage = checkpoint.Storages[first.Storage];
        CheckpointFile file = checkpoint.Files[storage.File];
        string names = Printable.List([.. differing.Select(i => checkpoint.Tensors[i].Name)], MostDiffering);
        string differ = differing.Length == 1 ? "differs" : "differ";
        return Rules.ManifestBytesDiffer.Broken(
            $"{differing.Length} of {checkpoint.Tensors.Length} tensors {differ} from the manifest: {names}",
            file.Path, file.PositionOf(storage.Offset + first.ByteOffset));
    }

    private static IEnumerable<string> Part(string what, IReadOnlyCollection<string> items)
    {
        if (items.Count > 0)
        {
            string more = items.Count > MostNamed ? $" and {items.Count - MostNamed} more" : "";
            yield return $"{items.Count} {(items.Count == 1 ? "tensor" : "tensors")} {what}: "
                + string.Join(", ", items.Take(MostNamed)) + more;
        }
    }

    private static string Describe(DType dtype, ImmutableArray<long> shape) => $"{dtype.TorchName()} ({string.Join(", ", shape)})";
}
