namespace MemLoad;

/// <summary>
/// The layout of the elements of a type in memory: blocks with a fixed number of elements and bytes. Most types have blocks of one element.
/// </summary>
/// <param name="Elements">Elements of a block: 1 for a type of whole bytes, 2 for four-bit numbers, 256 for <c>Q4_K</c>.</param>
/// <param name="Bytes">Bytes of a block.</param>
public readonly record struct ElementLayout(int Elements, int Bytes)
{
    /// <summary>True if each element has its own address and bytes; false if only a block has them.</summary>
    public bool IsSingle => Elements == 1;

    /// <summary>Returns true if this number of elements is a whole number of blocks, as for the elements of every tensor.</summary>
    /// <param name="elements">Number of elements.</param>
    public bool IsWhole(long elements) => Elements == 1 || elements % Elements == 0;

    /// <summary>Returns the bytes of this number of elements. A partial block counts as a whole block.</summary>
    /// <param name="elements">Number of elements, not negative.</param>
    /// <exception cref="OverflowException">The bytes do not fit 64 bits.</exception>
    public long BytesOf(long elements) =>
        Elements == 1 ? checked(elements * Bytes) : checked(((elements / Elements) + (elements % Elements == 0 ? 0 : 1)) * Bytes);

    /// <summary>Returns the number of elements in the whole blocks that these bytes contain.</summary>
    /// <param name="bytes">Number of bytes, not negative.</param>
    /// <exception cref="OverflowException">The elements do not fit 64 bits.</exception>
    public long ElementsIn(long bytes) => checked(bytes / Bytes * Elements);
}
