using System.Buffers.Binary;
using System.IO.Compression;
using System.Xml.Linq;
using MemLoad.Tests.Cli;
using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Reports;

public sealed class PictureTests
{
    [Theory]
    [InlineData(0, 1, "MiB")]
    [InlineData(700L << 20, 700L << 20, "MiB")]
    [InlineData(2L << 30, 2L << 30, "GiB")]
    [InlineData(13_777_249_280, 13_777_249_280, "GiB")]
    [InlineData(long.MaxValue, long.MaxValue, "GiB")]
    public void A_scale_reaches_the_maximum_with_few_round_marks(long most, long least, string unit)
    {
        var scale = AxisScale.Bytes(most);

        Assert.Equal(unit, scale.UnitName);
        Assert.True(scale.End >= least && (most == 0 || scale.End < 2.6 * most));
        Assert.InRange(scale.Count, 1, 4);
        Assert.All(Enumerable.Range(1, scale.Count), i => Assert.Matches("^[125]?[0-9]*[.]?[0-9]*$", scale.TextAt(i)));
        Assert.Equal(scale.End, scale.At(scale.Count), 1e-6 * scale.End);
    }

    [Fact]
    public void Dashes_cover_their_share_of_a_line_and_turn_its_corners()
    {
        IReadOnlyList<IReadOnlyList<Spot>> dashes = [.. Dashes.Of([new(0, 0), new(10, 0), new(10, 10)], 6, 2)];

        Assert.Equal([[new Spot(0, 0), new(6, 0)], [new(8, 0), new(10, 0), new(10, 4)], [new(10, 6), new(10, 10)]], dashes);
    }

    [Fact]
    public void A_polygon_covers_the_pixels_it_covers()
    {
        var canvas = new Canvas(4, 3, 0xffffff);

        canvas.Fill([new(1, 1), new(3.5, 1), new(3.5, 2), new(1, 2)], (_, _) => 0x0000ff);

        Assert.Equal([0xff, 0x00, 0x00, 0x80, 0xff], new[] { Red(0, 1), Red(1, 1), Red(2, 1), Red(3, 1), Red(1, 0) });

        int Red(int x, int y) => canvas.Pixels[((y * 4) + x) * 3];
    }

    [Fact]
    public void A_png_decodes_to_the_picture()
    {
        var picture = new Picture(
            "p", "t", "d", 20, 10, [Area.Box(Ink.Device, 0, 0, 20, 10), new Label(Ink.Text, 2, 8, "µ–…é漢", 8)], new FigureTable([], []));

        (int width, int height, byte[] pixels) = Decode(PngRenderer.File(picture));

        Assert.Equal(((20 + 20) * 2, (10 + 20) * 2), (width, height));
        Assert.Equal([0xff, 0xff, 0xff], pixels[..3]);
        int inside = ((21 * width) + 58) * 3;
        Assert.Equal([0x21, 0x66, 0xac], pixels[inside..(inside + 3)]);
    }

    [Fact]
    public void Every_printable_character_has_a_unique_glyph()
    {
        string[] drawn = [.. Enumerable.Range('!', '~' - '!' + 1).Select(c => Drawn((char)c))];

        Assert.Equal(drawn.Length, drawn.Distinct().Count());
        Assert.DoesNotContain(Drawn('漢'), drawn);

        static string Drawn(char c) =>
            string.Join(';', StrokeFont.Lines(new Label(Ink.Text, 0, 0, c.ToString())).Select(line => string.Join(' ', line)));
    }

    [Fact]
    public void Pictures_stay_within_their_frame_in_every_unit()
    {
        foreach (long most in new[] { 0L, 5 << 20, 3L << 30, 200L << 30, long.MaxValue / 4 })
        {
            LoadMeasurement row = Rows.Loaded("Sequential", most, most / 2) with
            {
                HostBudgetBytes = most,
                DeviceBudgetBytes = most,
                Size = "gpt2-xl",
                ElapsedMicroseconds = most / 7,
            };
            IReadOnlyList<ReportSection> sections = ReportSection.Of(ReportGroup.Of([row], [Samples.Of(row, most: most)]));
            Assert.All(sections.SelectMany(section => section.Pictures), picture =>
            {
                _ = XDocument.Parse(SvgRenderer.File(picture));
                Assert.All(picture.Shapes.SelectMany(SpotsOf), spot =>
                {
                    Assert.InRange(spot.X, -0.5, picture.Width + 0.5);
                    Assert.InRange(spot.Y, -2, picture.Height + 0.5);
                });
            });
        }
    }

    [Fact]
    public void A_near_budget_is_a_line_and_a_far_budget_is_a_figure()
    {
        LoadMeasurement near = Rows.Loaded("Meta", device: 0, host: 3L << 30) with { HostBudgetBytes = 4L << 30 };
        LoadMeasurement far = near with { HostBudgetBytes = 400L << 30 };

        Assert.Contains(TimelineOf(near).Shapes, shape => shape is Stroke { Ink: Ink.Budget });
        Assert.Contains(TimelineOf(near).Shapes, shape => shape is Label { Text: "budget 4.00 GiB" });
        Assert.DoesNotContain(TimelineOf(far).Shapes, shape => shape.Ink == Ink.Budget);
        Assert.Contains(TimelineOf(far).Shapes, shape =>
            shape is Label label && label.Text.Contains("400.00 GiB", StringComparison.Ordinal));
    }

    [Fact]
    public void Alternating_phases_are_one_span_and_consecutive_phases_are_separate()
    {
        TimelinePoint[] points =
        [
            .. "AABCBCBCD".Select((c, i) => new TimelinePoint(i * 10, 0, 0, 0, 0, 0, 0, c.ToString())),
            new(90, 0, 0, 0, 0, 0, 0, "D"),
        ];

        Assert.Equal([new("A", 0, 20), new("B + C", 20, 80), new("D", 80, 90)], PhaseSpan.Of(points));
    }

    [Fact]
    public void The_memory_of_many_phases_grows_with_their_number()
    {
        TimelinePoint[] points =
        [
            .. Enumerable.Range(0, 20_000).Select(i => new TimelinePoint(i, 0, 0, 0, 0, 0, 0, $"phase {i}")),
        ];
        long before = GC.GetAllocatedBytesForCurrentThread();

        IReadOnlyList<PhaseSpan> spans = PhaseSpan.Of(points);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 << 20);
        Assert.Equal(8, spans.Count);
        Assert.Equal(19_999, spans[^1].End);
        Assert.EndsWith("phase 13 + phase 14 and 19984 more", spans[^1].Name, StringComparison.Ordinal);
    }

    [Fact]
    public void The_figures_of_the_notebook_are_shown_only_for_its_model()
    {
        LoadMeasurement xl = Rows.Loaded("Meta") with { Size = "gpt2-xl" };

        Assert.Contains("12.8 GiB", PeaksOf(xl).Table.Rows[0]);
        Assert.Contains(PeaksOf(xl).Shapes, shape => shape.Ink == Ink.Notebook);
        Assert.DoesNotContain(PeaksOf(xl with { Size = "gpt2-small" }).Shapes, shape => shape.Ink == Ink.Notebook);
        Assert.DoesNotContain(PeaksOf(xl with { DType = "float16" }).Shapes, shape => shape.Ink == Ink.Notebook);
    }

    private static Picture PeaksOf(LoadMeasurement row) => PeaksPicture.Of("p", ReportGroup.Of([row], []).Single());

    private static Picture TimelineOf(LoadMeasurement row)
    {
        ReportGroup group = ReportGroup.Of([row], [Samples.Of(row)]).Single();
        return TimelinePicture.Of("p", group.Strategies[0], group, 3L << 30);
    }

    private static IEnumerable<Spot> SpotsOf(Shape shape) => shape switch
    {
        Area area => area.Spots,
        Stroke stroke => stroke.Spots,
        Label label => [new(label.X, label.Y)],
        _ => [],
    };

    // Reads a PNG file according to the standard, including checksums, for the only kind that is written.
    private static (int Width, int Height, byte[] Pixels) Decode(byte[] png)
    {
        Assert.Equal([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], png[..8]);
        using var data = new MemoryStream();
        (int width, int height, int at) = (0, 0, 8);
        while (at < png.Length)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at));
            ReadOnlySpan<byte> content = png.AsSpan(at + 8, length);
            Assert.Equal(
                BitwiseCrc32.Of(png.AsSpan(at + 4, length + 4)), BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(at + 8 + length)));
            switch (System.Text.Encoding.ASCII.GetString(png, at + 4, 4))
            {
                case "IHDR":
                    (width, height) = (BinaryPrimitives.ReadInt32BigEndian(content), BinaryPrimitives.ReadInt32BigEndian(content[4..]));
                    Assert.Equal([8, 2, 0, 0, 0], content[8..].ToArray());
                    break;
                case "IDAT":
                    data.Write(content);
                    break;
                default:
                    break;
            }
            at += length + 12;
        }
        data.Position = 0;
        using var inflate = new ZLibStream(data, CompressionMode.Decompress);
        byte[] pixels = new byte[width * height * 3];
        for (int y = 0; y < height; y++)
        {
            Assert.Equal(0, inflate.ReadByte());
            inflate.ReadExactly(pixels, y * width * 3, width * 3);
        }
        Assert.Equal(-1, inflate.ReadByte());
        return (width, height, pixels);
    }
}
