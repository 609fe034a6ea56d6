using System.Text;

namespace MemLoad;

/// <summary>Writes pictures as SVG files, or as parts of a page with <see cref="Style"/> and <see cref="Patterns"/>.</summary>
internal static class SvgRenderer
{
    private const string Fonts = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif";

    /// <summary>CSS rules for the classes of pictures. The colors are variables.</summary>
    public static string Style { get; } = MakeStyle();

    /// <summary>The patterns that distinguish the kinds of memory without color.</summary>
    public const string Patterns = """
        <pattern id="memload-host" width="6" height="6" patternUnits="userSpaceOnUse">
        <rect width="6" height="6" class="f-host"/><path d="M-1,1 L1,-1 M0,6 L6,0 M5,7 L7,5" class="hatch"/></pattern>
        <pattern id="memload-file" width="6" height="6" patternUnits="userSpaceOnUse">
        <rect width="6" height="6" class="f-file"/>
        <rect x="1" y="1" width="2" height="2" class="dot"/><rect x="4" y="4" width="2" height="2" class="dot"/></pattern>
        """;

    /// <summary>Returns a file with its own light and dark colors.</summary>
    public static string File(Picture picture)
    {
        string style = $"svg{{{Palette.Variables(Palette.Light, Palette.LightGround)}}}"
            + $"@media (prefers-color-scheme:dark){{svg{{{Palette.Variables(Palette.Dark, Palette.DarkGround)}}}}}{Style}";
        string margin = Markup.Number(-Picture.Margin);
        string ground = $"<rect x=\"{margin}\" y=\"{margin}\" width=\"100%\" height=\"100%\" class=\"ground\"/>";
        return $"<?xml version=\"1.0\" "
            + $"encoding=\"UTF-8\"?>\n{Element(picture, $"<style>{style}</style><defs>{Patterns}</defs>{ground}", "p", Picture.Margin)}\n";
    }

    /// <summary>Returns a part of a page. No other id of the page is equal to its id or begins with it.</summary>
    public static string Part(Picture picture, string id) => Element(picture, "", id, 0);

    private static string Element(Picture picture, string before, string id, double margin)
    {
        var svg = new StringBuilder();
        string width = Markup.Number(picture.Width + (2 * margin));
        string height = Markup.Number(picture.Height + (2 * margin));
        string start = Markup.Number(-margin);
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{start} {start} {width} {height}\" width=\"{width}\" height=\"{height}\""
        );
        svg.Append(CultureInfo.InvariantCulture,
            $" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{Markup.Text(picture.Title)}</title>");
        svg.Append(CultureInfo.InvariantCulture, $"<desc id=\"{id}-d\">{Markup.Text(picture.Description)}</desc>{before}");
        foreach (Shape shape in picture.Shapes)
        {
            Append(svg, shape);
        }
        foreach (Hint hint in picture.Hints)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"hint\" x=\"{Markup.Number(hint.X)}\" y=\"{Markup.Number(hint.Y)}\"");
            svg.Append(CultureInfo.InvariantCulture, $" width=\"{Markup.Number(hint.Width)}\" height=\"{Markup.Number(hint.Height)}\">");
            svg.Append(CultureInfo.InvariantCulture, $"<title>{Markup.Text(hint.Text)}</title></rect>");
        }
        return svg.Append("</svg>").ToString();
    }

    private static void Append(StringBuilder svg, Shape shape)
    {
        string name = Palette.Name(shape.Ink);
        switch (shape)
        {
            case Area area:
                svg.Append(CultureInfo.InvariantCulture, $"<path class=\"a-{name}\" d=\"{Path(area.Spots)}Z\"/>");
                break;
            case Stroke stroke:
                string dash = stroke.Dashed ? " dashed" : "";
                svg.Append(CultureInfo.InvariantCulture,
                    $"<path class=\"l-{name}{dash}\" stroke-width=\"{Markup.Number(stroke.Width)}\" d=\"{Path(stroke.Spots)}\"/>");
                break;
            case Label label:
                string anchor = label.Anchor switch
                {
                    Anchor.Middle => " text-anchor=\"middle\"",
                    Anchor.End => " text-anchor=\"end\"",
                    _ => "",
                };
                string bold = label.Bold ? " font-weight=\"600\"" : "";
                svg.Append(CultureInfo.InvariantCulture,
                    $"<text class=\"t-{name}\" x=\"{Markup.Number(label.X)}\" y=\"{Markup.Number(label.Y)}\"");
                svg.Append(CultureInfo.InvariantCulture,
                    $" font-size=\"{Markup.Number(label.Size)}\"{anchor}{bold}>{Markup.Text(label.Text)}</text>");
                break;
            default:
                throw new ArgumentException("a shape of no known kind", nameof(shape));
        }
    }

    // Points are rounded to a tenth of a pixel, and equal neighbors are written once.
    private static string Path(IReadOnlyList<Spot> spots)
    {
        var path = new StringBuilder("M");
        string before = "";
        foreach (Spot spot in spots)
        {
            string now = string.Create(CultureInfo.InvariantCulture, $"{spot.X:0.#},{spot.Y:0.#}");
            if (now != before)
            {
                _ = path.Append(path.Length > 1 ? " " : "").Append(now);
            }
            before = now;
        }
        return path.ToString();
    }

    private static string MakeStyle()
    {
        var css = new StringBuilder(
            $".ground{{fill:var(--ground)}}svg "
                + $"text{{font-family:{Fonts}}}[class^=l-]{{fill:none;stroke-linejoin:round}}.dashed{{stroke-dasharray:5 3}}");
        foreach (Ink ink in Enum.GetValues<Ink>())
        {
            string name = Palette.Name(ink);
            css.Append(CultureInfo.InvariantCulture, $".l-{name}{{stroke:var(--{name})}}.t-{name}{{fill:var(--{name})}}");
            css.Append(ink switch
            {
                Ink.Host or Ink.File => $".f-{name}{{fill:var(--{name})}}.a-{name}{{fill:url(#memload-{name})}}",
                Ink.Notebook => ".a-notebook{fill:none;stroke:var(--notebook);stroke-width:1.5}",
                _ => $".a-{name}{{fill:var(--{name})}}",
            });
        }
        css.Append(".hint{fill:transparent}.hint:hover{fill:var(--axis);fill-opacity:.15}");
        return css.Append(".hatch{stroke:var(--ground);stroke-opacity:.55;stroke-width:1.4}.dot{fill:var(--ground);fill-opacity:.6}")
            .ToString();
    }
}
