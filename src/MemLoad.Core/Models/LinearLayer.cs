using System.Numerics.Tensors;

namespace MemLoad;

/// <summary>A linear layer on a weight of shape (outputs, inputs) in place, with an optional bias of shape (outputs).</summary>
internal readonly unsafe record struct LinearLayer(HostTensor Weight, HostTensor? Bias = null)
{
    // The rows that one core computes at a time. They fit its second-level cache, and they are few enough to balance the cores.
    private const int PanelBytes = 256 * 1024;
    private const int MostPanelRows = 64;
    private const int FewestPanelRows = 4;

    /// <summary>
    /// Adds weight · x + bias to <paramref name="sums"/>, row-major (tokens, outputs), for every token, on all cores. Each weight is read
    /// from memory once.
    /// </summary>
    public void Add(ActivationMatrix input, float* sums, ParallelOptions options)
    {
        int outputs = checked((int)Weight.Shape[0]);
        int panelRows = Math.Clamp(PanelBytes / sizeof(float) / input.Width, FewestPanelRows, MostPanelRows);
        LinearLayer layer = this;
        Parallel.For(0, ((outputs - 1) / panelRows) + 1, options, panel =>
        {
            int first = panel * panelRows;
            layer.AddPanel(input, sums + first, first, Math.Min(panelRows, outputs - first), outputs);
        });
    }

    private void AddPanel(ActivationMatrix input, float* sums, int firstRow, int rowCount, int outputs)
    {
        if (Bias is { } bias)
        {
            Span<float> values = stackalloc float[MostPanelRows];
            values = values[..rowCount];
            WeightReader.Read(bias, firstRow, values);
            for (int token = 0; token < input.Tokens; token++)
            {
                var row = new Span<float>(sums + ((nint)token * outputs), rowCount);
                TensorPrimitives.Add(row, values, row);
            }
        }
        switch (Weight.DType)
        {
            case DType.Float32:
                Accumulate<Float32Elements>(input, sums, firstRow, rowCount, outputs);
                break;
            case DType.Float16:
                Accumulate<Float16Elements>(input, sums, firstRow, rowCount, outputs);
                break;
            default:
                Accumulate<BFloat16Elements>(input, sums, firstRow, rowCount, outputs);
                break;
        }
    }

    private void Accumulate<TElements>(ActivationMatrix input, float* sums, int firstRow, int rowCount, int outputs)
        where TElements : struct, IWeightElements
    {
        nint rowBytes = (nint)input.Width * TElements.Size;
        byte* rows = (byte*)Weight.Address + (firstRow * rowBytes);
        DotProducts.Accumulate<TElements>(rows, rowBytes, rowCount, input.Address, input.Width, input.Tokens, input.Width, sums, outputs);
    }
}
