namespace MemLoad;

/// <summary>The dimension in which each tensor is split among ranks, as for tensor parallelism.</summary>
public enum TensorSplit
{
    /// <summary>Dimension 0. A tensor without dimensions is on every rank.</summary>
    Rows,
    /// <summary>Dimension 1. A tensor with fewer dimensions is on every rank.</summary>
    Columns,
}
