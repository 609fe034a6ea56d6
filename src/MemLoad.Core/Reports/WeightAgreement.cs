namespace MemLoad;

/// <summary>
/// Whether rows that loaded the same model loaded the same weights: each digest with its rows, the most frequent digest first.
/// </summary>
internal sealed record WeightAgreement(string Model, IReadOnlyList<(string Digest, IReadOnlyList<LoadMeasurement> Rows)> Digests)
{
    /// <summary>
    /// Returns one result per model of the rows. A model is identified by its name and its tensors, because its folder can differ between
    /// computers.
    /// </summary>
    public static IReadOnlyList<WeightAgreement> Of(IReadOnlyList<LoadMeasurement> rows) =>
        [
            .. rows.Where(row => row.WeightsDigest is not null)
                .GroupBy(row => (Model: ReportGroup.ModelOf(row), row.TensorCount, row.ParameterCount))
                .Select(model => new WeightAgreement(
                    model.Key.Model,
                    [
                        .. model
                            .GroupBy(row => row.WeightsDigest!)
                            .Select(same => (same.Key, (IReadOnlyList<LoadMeasurement>)[.. same]))
                            .OrderByDescending(same => same.Item2.Count),
                    ])),
        ];

    public string Text =>
        Digests.Count == 1
            ? $"{Model}: the same weights in {Figures.Count(Digests[0].Rows.Count, "row")}, digest {Digests[0].Digest}."
            : $"{Model}: THE WEIGHTS DIFFER. {string.Join("; ", Digests.Select(Described))}.";

    private static string Described((string Digest, IReadOnlyList<LoadMeasurement> Rows) same) =>
        $"{Short(same.Digest)} in {Figures.Count(same.Rows.Count, "row")} ({Where(same.Rows)})";

    private static string Where(IReadOnlyList<LoadMeasurement> rows) =>
        string.Join(", ", rows.Select(row => $"{row.Strategy} to {row.Device} on {row.HostName}").Distinct().Take(6));

    private static string Short(string digest) => digest.Length > 16 ? digest[..16] + "…" : digest;
}
