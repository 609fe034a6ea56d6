namespace MemLoad;

/// <summary>The style sheet of the page.</summary>
internal static class HtmlStyle
{
    /// <summary>The style sheet: light and dark colors, one column on a phone, no page break in a box.</summary>
    public static string Css { get; } =
        $$$$"""
            :root{color-scheme:light dark;{{{{Palette.Variables(Palette.Light, Palette.LightGround)}}}}}
            @media (prefers-color-scheme:dark){:root{ {{{{Palette.Variables(Palette.Dark, Palette.DarkGround)}}}}}}
            {{{{SvgRenderer.Style}}}}
            *{box-sizing:border-box}
            body{margin:0 auto;max-width:78rem;padding:1rem;color:var(--text);background:var(--ground);overflow-wrap:anywhere;
            font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif}
            h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0}
            h2{font-size:1.25rem;line-height:1.25;margin:2rem 0 .5rem;padding-top:.75rem;border-top:1px solid var(--grid)}
            h3{font-size:1.05rem;margin:1.25rem 0 .5rem}
            p{margin:.5rem 0;max-width:65rem}
            a{color:var(--device)}
            .muted{color:var(--muted)}
            .good::before{content:"✓ ";font-weight:700}
            .bad{border-left:.3rem solid var(--budget);padding-left:.6rem}
            .bad::before{content:"✗ ";font-weight:700;color:var(--budget)}
            .pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,30rem),1fr));gap:1rem;align-items:start}
            figure{margin:0;padding:.75rem;border:1px solid var(--grid);border-radius:.4rem;min-width:0}
            figure svg{display:block;width:100%;max-width:38rem;height:auto;overflow:visible}
            figcaption{font-size:.9rem;color:var(--muted);margin-bottom:.4rem}
            details{margin-top:.5rem;font-size:.9rem}
            summary{cursor:pointer;color:var(--muted)}
            .scroll{overflow-x:auto;max-width:100%}
            .scroll:focus-visible{outline:2px solid var(--device)}
            table{border-collapse:collapse;font-size:.875rem;overflow-wrap:normal}
            caption{text-align:left;color:var(--muted);padding:.25rem 0}
            th,td{padding:.25rem .45rem;border-bottom:1px solid var(--grid);text-align:left;vertical-align:top}
            thead th{border-bottom:2px solid var(--axis)}
            td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
            td{white-space:nowrap}
            figure td{white-space:normal}
            .sorts th button{all:unset;cursor:pointer;font:inherit;font-weight:700}
            .sorts th button:hover{text-decoration:underline}
            .sorts th button:focus-visible{outline:2px solid var(--device)}
            th[aria-sort=ascending] button::after{content:" ▲"}
            th[aria-sort=descending] button::after{content:" ▼"}
            .filter{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;font-size:.9rem;margin:.4rem 0}
            .filter input{font:inherit;color:inherit;background:var(--band);border:1px solid var(--axis);
            border-radius:.3rem;padding:.2rem .4rem;width:18rem;max-width:100%}
            @media (max-width:40rem){body{padding:.6rem}figure{padding:.4rem}}
            pre{background:var(--band);padding:.6rem .75rem;border-radius:.3rem;white-space:pre-wrap;overflow-wrap:anywhere;
            font-size:.875rem;margin:.4rem 0}
            .defs{position:absolute;width:0;height:0}
            /* Patterns become thousands of strokes in a PDF: plain there, each with its label. */
            @media print{
            .a-host{fill:var(--host)}.a-file{fill:var(--file)}
            :root{color-scheme:light;{{{{Palette.Variables(Palette.Light, Palette.LightGround)}}}}}
            body{max-width:none;padding:0;font-size:10pt}
            .pictures{grid-template-columns:1fr 1fr;gap:.5rem}
            figure,tr,pre,p{break-inside:avoid}h2,h3{break-after:avoid}
            .scroll{overflow:visible}table{font-size:7.5pt}th,td{padding:.1rem .25rem}
            details:not([open]),.filter{display:none}
            *{print-color-adjust:exact;-webkit-print-color-adjust:exact}
            }
            """;
}
