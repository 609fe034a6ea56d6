namespace MemLoad.Tests.Models;

/// <summary>The GPT model in the simplest form, in double precision. The fast model is compared with it.</summary>
internal static class ReferenceGpt
{
    public static double[] Forward(GptConfig config, HostWeights weights, int[] tokenIds)
    {
        int width = config.EmbeddingSize;
        double[] tokenEmbedding = Get("tok_emb.weight");
        double[] positionEmbedding = Get("pos_emb.weight");
        double[][] x = [.. tokenIds.Select((id, position) =>
            Range(width, i => tokenEmbedding[(id * width) + i] + positionEmbedding[(position * width) + i]))];
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            string block = $"trf_blocks.{layer}.";
            x = Sum(x, Attention(block + "att.", [.. x.Select(row => Norm(block + "norm1", row))]));
            x = Sum(x, [.. x.Select(row =>
                Linear(block + "ff.layers.2", [.. Linear(block + "ff.layers.0", Norm(block + "norm2", row)).Select(Gelu)]))]);
        }
        return [.. x.SelectMany(row => Linear("out_head", Norm("final_norm", row)))];

        double[][] Attention(string name, double[][] rows)
        {
            double[][] q = [.. rows.Select(row => Linear(name + "W_query", row))];
            double[][] k = [.. rows.Select(row => Linear(name + "W_key", row))];
            double[][] v = [.. rows.Select(row => Linear(name + "W_value", row))];
            double[] mask = Get(name + "mask");
            int headSize = width / config.HeadCount;
            return [.. rows.Select((_, t) => Linear(name + "out_proj", [.. Enumerable.Range(0, config.HeadCount).SelectMany(head =>
            {
                int first = head * headSize;
                double[] scores = Range(rows.Length, j => mask[(t * config.ContextLength) + j] != 0
                    ? double.NegativeInfinity
                    : Range(headSize, i => q[t][first + i] * k[j][first + i]).Sum() / Math.Sqrt(headSize));
                double highest = scores.Max();
                double[] share = [.. scores.Select(score => Math.Exp(score - highest))];
                return Range(headSize, i => Range(rows.Length, j => share[j] * v[j][first + i]).Sum() / share.Sum());
            })]))];
        }

        double[] Get(string name) => [.. weights.Floats(name).Select(value => (double)value)];

        double[] Linear(string name, double[] row)
        {
            double[] weight = Get(name + ".weight");
            bool bias = name != "out_head" && (config.QkvBias || !name.Contains(".W_", StringComparison.Ordinal));
            double[] offsets = bias ? Get(name + ".bias") : new double[weight.Length / row.Length];
            return Range(offsets.Length, o => offsets[o] + Range(row.Length, i => weight[(o * row.Length) + i] * row[i]).Sum());
        }

        double[] Norm(string name, double[] row)
        {
            double[] scale = Get(name + ".scale");
            double[] shift = Get(name + ".shift");
            double mean = row.Average();
            double deviation = Math.Sqrt(row.Average(value => (value - mean) * (value - mean)) + 1e-5);
            return Range(row.Length, i => (scale[i] * (row[i] - mean) / deviation) + shift[i]);
        }
    }

    private static double Gelu(double x) => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))));

    private static double[][] Sum(double[][] a, double[][] b) => [.. a.Zip(b, (x, y) => x.Zip(y, (p, q) => p + q).ToArray())];

    private static double[] Range(int count, Func<int, double> value) => [.. Enumerable.Range(0, count).Select(value)];
}
