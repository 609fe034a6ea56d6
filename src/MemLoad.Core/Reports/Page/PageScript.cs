using System.Security.Cryptography;
using System.Text;

namespace MemLoad;

/// <summary>
/// The script of the page: it sorts and filters the rows of long tables. The page is complete without it, because the script creates its
/// own controls.
/// </summary>
internal static class PageScript
{
    /// <summary>
    /// The script, with a line feed at the end of each line. It has neither &lt; nor &amp;, so that it means the same in HTML and in XML.
    /// It handles the rows as text only.
    /// </summary>
    public static string Text { get; } = """

        for (const table of document.querySelectorAll('table.sorts')) {
          const body = table.tBodies[0];
          const rows = [...body.rows];
          const units = {B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, '\u00b5s': 1, ms: 1e3, s: 1e6, 'GB/s': 1};
          const valueOf = (row, column) => {
            const text = row.cells[column].textContent;
            const figure = /^([0-9.,]+)(?: ([^ ]+))?/.exec(text);
            return text === '\u2013' ? -1 : figure ? Number(figure[1].replaceAll(',', '')) * (units[figure[2]] ?? 1) : text;
          };
          const compare = (one, other) => typeof one === 'number' ? one - other : one.localeCompare(other, 'en', {numeric: true});
          [...table.tHead.rows[0].cells].forEach((head, column) => {
            const button = document.createElement('button');
            button.type = 'button';
            button.textContent = head.textContent;
            head.replaceChildren(button);
            button.addEventListener('click', () => {
              const up = head.getAttribute('aria-sort') !== 'ascending';
              for (const cell of table.tHead.rows[0].cells) cell.removeAttribute('aria-sort');
              head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
              const figures = head.classList.contains('n');
              const keys = new Map(rows.map(row => [row, figures ? valueOf(row, column) : row.cells[column].textContent]));
              rows.sort((one, other) => (up ? 1 : -1) * compare(keys.get(one), keys.get(other)));
              body.append(...rows);
            });
          });
          if (rows.length > 1) {
            const label = document.createElement('label');
            const input = document.createElement('input');
            const count = document.createElement('span');
            label.className = 'filter';
            input.type = 'search';
            count.setAttribute('role', 'status');
            label.append('Rows with ', input, count);
            table.parentElement.before(label);
            input.addEventListener('input', () => {
              const words = input.value.toLowerCase().split(' ');
              for (const row of rows) {
                const text = [...row.cells].map(cell => cell.textContent).join(' ').toLowerCase();
                row.hidden = !words.every(word => text.includes(word));
              }
              const shown = rows.filter(row => !row.hidden).length;
              count.textContent = input.value === '' ? '' : `${shown} of ${rows.length} rows`;
            });
          }
        }

        """.ReplaceLineEndings("\n");

    /// <summary>The SHA-256 of the script in Base64, for the policy of the page. The browser runs no other script.</summary>
    public static string Hash { get; } = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));
}
