namespace MemLoad;

/// <summary>
/// How elements of a type lie in memory: in blocks, each of so many elements and so many bytes. Most types have blocks of one element.
/// </summary>
/// <param name="Elements">Elements of a block: 1 for a type of whole bytes, 2 for four-bit numbers, 256 for <c>Q4_K</c>.</param>
/// <param name="Bytes">Bytes of a block.</param>
public readonly record struct ElementLayout(int Elements, int Bytes)
{
    /// <summary>True if an element has an address and bytes of its own; false if only a block has.</summary>
    public bool IsSingle => Elements == 1;

    /// <summary>True if so many elements are whole blocks, which the elements of every tensor are.</summary>
    /// <param name="elements">Number of elements.</param>
    public bool IsWhole(long elements) => Elements == 1 || elements % Elements == 0;

    /// <summary>Bytes of so many elements; a block that is begun counts whole.</summary>
    /// <param name="elements">Number of elements, not negative.</param>
    /// <exception cref="OverflowException">The bytes do not fit 64 bits.</exception>
    public long BytesOf(long elements) =>
        Elements == 1 ? checked(elements * Bytes) : checked(((elements / Elements) + (elements % Elements == 0 ? 0 : 1)) * Bytes);

    /// <summary>Elements of the whole blocks in so many bytes.</summary>
    /// <param name="bytes">Number of bytes, not negative.</param>
    /// <exception cref="OverflowException">The elements do not fit 64 bits.</exception>
    public long ElementsIn(long bytes) => checked(bytes / Bytes * Elements);
}
