using System.Collections.Immutable;

namespace MemLoad;

/// <summary>A checkpoint whose weights change their type during the load.</summary>
public sealed partial class Checkpoint
{
    /// <summary>
    /// Returns the same checkpoint with another <see cref="Target"/>, which has the result of PyTorch's <c>module.to(dtype)</c>.
    /// Floating-point tensors are cast. Integers, booleans and complex numbers are not cast. The files do not change. A later
    /// <see cref="Select"/> or <see cref="Share"/> keeps the cast.
    /// </summary>
    /// <param name="dtype">float32, float16 or bfloat16; null to load everything as it is.</param>
    /// <exception cref="MemLoadException">ML6010: no such cast; ML6011: a storage to be cast is viewed as another type as well.</exception>
    public Checkpoint CastTo(DType? dtype)
    {
        if (dtype is not DType to)
        {
            return Target.DType is null ? this : new Checkpoint(Path, Format, Files, Storages, Tensors, Metadata);
        }
        if (to is not (DType.Float32 or DType.Float16 or DType.BFloat16))
        {
            throw Rules.CastTargetUnsupported.Broken($"a cast to {to.TorchName()} was asked for");
        }
        StorageCast?[] casts = Casts(to);
        bool any = Array.Exists(casts, cast => cast is not null);
        return new Checkpoint(Path, Format, Files, Storages, Tensors, Metadata)
        {
            _target = new LoadTarget(
                to,
                [.. Tensors.Select(tensor => tensor.DType.IsFloatingPoint() ? tensor with { DType = to } : tensor)],
                any ? [.. StorageLengths.Select((length, i) => casts[i]?.TargetBytes(length) ?? length)] : StorageLengths,
                any ? ImmutableArray.Create(casts) : []),
        };
    }

    // The casts by storage, from the views that have elements.
    private StorageCast?[] Casts(DType to)
    {
        var casts = new StorageCast?[Storages.Length];
        var first = new TensorEntry?[Storages.Length];
        foreach (TensorEntry tensor in Tensors.Where(tensor => tensor.ElementCount > 0))
        {
            if (first[tensor.Storage] is not TensorEntry other)
            {
                first[tensor.Storage] = tensor;
                casts[tensor.Storage] = MustChange(tensor) ? new StorageCast(tensor.DType, to) : null;
            }
            else if (tensor.DType != other.DType && (MustChange(tensor) || MustChange(other)))
            {
                Extent storage = Storages[tensor.Storage];
                throw Rules.CastStorageMixed.Broken(
                    $"tensors {Printable.Quote(other.Name)} ({other.DType.TorchName()}) and {Printable.Quote(tensor.Name)} ({tensor.DType.TorchName()}) share memory "
                    + $"and cannot be cast to {to.TorchName()}", Files[storage.File].Path, storage.Offset);
            }
        }
        return casts;

        bool MustChange(TensorEntry tensor) => tensor.DType.IsFloatingPoint() && tensor.DType != to;
    }
}
