namespace MemLoad;

/// <summary>
/// A value of a pickle that only code outside the file could make: a class, a function, or what a call of one of them gives. It is never
/// called.
/// </summary>
/// <param name="name">The name of the class or function, such as <c>argparse.Namespace</c>.</param>
internal sealed class OpaqueObject(string name)
{
    /// <summary>Bytes of one record, without its name.</summary>
    public const int Overhead = 40;

    /// <summary>The name of the class or function.</summary>
    public string Name { get; } = name;

    /// <summary>True if it is a part of another object, or stands in the checkpoint under a name.</summary>
    public bool IsPlaced { get; set; }

    /// <summary>The number of tensors that it has, with those of the objects in it.</summary>
    public long TensorCount { get; set; }

    /// <summary>True if it was made of the storage of a tensor, as the rebuild function of a device does.</summary>
    public bool HasStorage { get; set; }
}
