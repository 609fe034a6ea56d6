using System.Runtime.CompilerServices;

namespace MemLoad;

// The objects of a .metadata file. They have the names and the fields of torch.distributed.checkpoint.metadata.

/// <summary>An object of the metadata. It gets its fields once.</summary>
internal abstract class MetadataObject
{
    /// <summary>Bytes of one object, without its fields' values.</summary>
    public const int Overhead = 56;

    /// <summary>True after the fields were set.</summary>
    public bool IsBuilt { get; set; }
}

/// <summary><c>Metadata</c>: the whole file.</summary>
internal sealed class CheckpointMetadata : MetadataObject
{
    /// <summary>The stored items by flat name: <see cref="TensorMetadata"/> or <see cref="BytesMetadata"/>.</summary>
    public PickleDict? StateDict { get; set; }

    /// <summary>The places of the items: <see cref="RecordPlace"/> by <see cref="RecordIndex"/>.</summary>
    public PickleDict? StorageData { get; set; }
}

/// <summary><c>TensorStorageMetadata</c>.</summary>
internal sealed class TensorMetadata : MetadataObject
{
    public TensorProperties? Properties { get; set; }

    public PickleSequence? Size { get; set; }

    /// <summary>A list of <see cref="ChunkMetadata"/>. It can grow until the end of the pickle.</summary>
    public PickleSequence? Chunks { get; set; }
}

/// <summary><c>BytesStorageMetadata</c>: an object that is not a tensor.</summary>
internal sealed class BytesMetadata : MetadataObject;

/// <summary><c>ChunkStorageMetadata</c>: where a chunk begins in its tensor, and its shape.</summary>
internal sealed class ChunkMetadata : MetadataObject
{
    public PickleSequence? Offsets { get; set; }

    public PickleSequence? Sizes { get; set; }
}

/// <summary><c>TensorProperties</c>.</summary>
internal sealed class TensorProperties : MetadataObject
{
    public DType DType { get; set; }

    /// <summary>The layout, such as <c>torch.strided</c>.</summary>
    public string Layout { get; set; } = "";
}

/// <summary><c>MetadataIndex</c>: the name of a tensor and the offsets of a chunk in it. PyTorch compares no other field.</summary>
internal sealed class RecordIndex : MetadataObject, IPickleKey
{
    public string? Identity { get; set; }

    /// <summary>Returns the identity of an index. An object that is not a tensor has no offsets.</summary>
    public static string IdentityOf(string name, PickleSequence? offsets, FileBudget budget)
    {
        const int LongestNumber = 21;
        budget.Spend(FileBudget.Text(name.Length + LongestNumber + (LongestNumber * (offsets?.Count ?? 0))));
        // The length of the name keeps names apart that look like a name with offsets.
        var text = new DefaultInterpolatedStringHandler(0, 0, CultureInfo.InvariantCulture);
        text.AppendLiteral("index:");
        text.AppendFormatted(name.Length);
        text.AppendLiteral(":");
        text.AppendLiteral(name);
        text.AppendLiteral(offsets is null ? "" : "@");
        for (int i = 0; i < offsets?.Count; i++)
        {
            text.AppendFormatted((long)offsets.Items[i]!);
            text.AppendLiteral(",");
        }
        return text.ToStringAndClear();
    }
}

/// <summary><c>_StorageInfo</c>: a file of the folder, and a range of it.</summary>
internal sealed class RecordPlace : MetadataObject
{
    public string File { get; set; } = "";

    public long Offset { get; set; }

    public long Length { get; set; }

    /// <summary>True after a chunk or an object was found for it.</summary>
    public bool IsUsed { get; set; }

    /// <summary>True if the bytes were transformed, such as compressed.</summary>
    public bool IsTransformed { get; set; }
}

/// <summary><c>StorageMeta</c>: where and when it was saved.</summary>
internal sealed class SaveMetadata : MetadataObject;

/// <summary>A value that has no meaning for a reader: a path, a memory format.</summary>
internal sealed class IgnoredValue : MetadataObject
{
    public static readonly IgnoredValue Instance = new() { IsBuilt = true };
}
