namespace MemLoad;

/// <summary>
/// A value of a pickle that only code outside the file could create. It is a class, a function, or the result of calling one of them. It is
/// never called.
/// </summary>
/// <param name="name">The name of the class or function, such as <c>argparse.Namespace</c>.</param>
internal sealed class OpaqueObject(string name)
{
    /// <summary>Bytes of one record, without its name.</summary>
    public const int Overhead = 40;

    /// <summary>The name of the class or function.</summary>
    public string Name { get; } = name;

    /// <summary>True if it is a part of another object, or has a name in the checkpoint.</summary>
    public bool IsPlaced { get; set; }

    /// <summary>The number of its tensors, including those of the objects in it.</summary>
    public long TensorCount { get; set; }

    /// <summary>True if it was created from the storage of a tensor, as by the rebuild function of a device.</summary>
    public bool HasStorage { get; set; }
}
