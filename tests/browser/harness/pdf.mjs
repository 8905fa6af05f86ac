// PDFs for the tests, as most programs write them: one after the other, the table of contents at the very end (not linearized).

/** `filler`: bytes after each page that belong to no page; they make the file large without making it slow to draw. */
export function makePdf({ pages, filler = 0, sizes = [[595, 842]] }) {
  const parts = [];
  let at = 0;
  const offsets = [];
  const push = (part) => {
    parts.push({ at, ...part });
    at += part.bytes?.length ?? part.zeros;
  };
  const text = (string) => push({ bytes: Buffer.from(string, "latin1") });
  const object = (number, body) => {
    offsets[number] = at;
    text(`${number} 0 obj\n${body}\nendobj\n`);
  };
  text("%PDF-1.7\n");
  const kids = Array.from({ length: pages }, (_, i) => `${4 + 3 * i} 0 R`).join(" ");
  object(1, "<< /Type /Catalog /Pages 2 0 R >>");
  object(2, `<< /Type /Pages /Count ${pages} /Kids [${kids}] >>`);
  object(3, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>");
  for (let i = 0; i < pages; i += 1) {
    const n = 4 + 3 * i;
    const [width, height] = sizes[i % sizes.length];
    const lines = Array.from({ length: 24 }, (_, k) => `0 -24 Td (Line ${k + 1}: what was seen on site, in plain words.) Tj`).join("\n");
    const content =
      `0.13 0.35 0.6 rg 40 ${height - 110} ${width - 80} 60 re f\n` +
      `BT /F1 28 Tf 1 1 1 rg 56 ${height - 90} Td (Page ${i + 1} of the report) Tj ET\n` +
      `BT /F1 14 Tf 0 g 56 ${height - 140} Td ${lines} ET`;
    object(
      n,
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Contents ${n + 1} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
    );
    object(n + 1, `<< /Length ${content.length} >>\nstream\n${content}\nendstream`);
    offsets[n + 2] = at;
    text(`${n + 2} 0 obj\n<< /Length ${filler} >>\nstream\n`);
    push({ zeros: filler });
    text("\nendstream\nendobj\n");
  }
  const start = at;
  const count = 4 + 3 * pages;
  text(`xref\n0 ${count}\n0000000000 65535 f \n`);
  for (let number = 1; number < count; number += 1) text(`${String(offsets[number]).padStart(10, "0")} 00000 n \n`);
  text(`trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`);
  return reader(parts, at);
}

/**
 * A PDF of these pages: `content` (operators; the font is F1), `annotations` (dictionaries; those with /FT are fields of a form).
 * `catalog`: more entries of it. `fonts`: other fonts by name. `objects`: further objects by number, from 500 on.
 */
export function pdfOf(pages, { catalog = "", fonts = {}, objects = {} } = {}) {
  const bodies = new Map();
  const stream = (content) => `<< /Length ${content.length} >>\nstream\n${content}\nendstream`;
  const fields = [];
  const kids = pages.map(({ content = "", annotations = [], body }, index) => {
    const n = 10 + 20 * index;
    const refs = annotations.map((annotation, at) => {
      const ref = `${n + 2 + at} 0 R`;
      bodies.set(n + 2 + at, `<< /Type /Annot ${annotation} >>`);
      if (/\/FT /.test(annotation)) fields.push(ref);
      return ref;
    });
    const all = { F1: "3 0 R", ...fonts };
    const named = Object.entries(all).map(([name, font]) => `/${name} ${font}`).join(" ");
    bodies.set(n, body ?? `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${n + 1} 0 R /Annots [${refs.join(" ")}] /Resources << /Font << ${named} >> >> >>`);
    bodies.set(n + 1, stream(content));
    return `${n} 0 R`;
  });
  const form = fields.length > 0 ? `/AcroForm << /Fields [${fields.join(" ")}] /DR << /Font << /Helv 3 0 R >> >> /DA (/Helv 12 Tf 0 g) >>` : "";
  bodies.set(1, `<< /Type /Catalog /Pages 2 0 R ${form} ${catalog} >>`);
  bodies.set(2, `<< /Type /Pages /Count ${pages.length} /Kids [${kids.join(" ")}] >>`);
  bodies.set(3, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>");
  for (const [number, body] of Object.entries(objects)) bodies.set(Number(number), body);
  let text = "%PDF-1.7\n";
  const offsets = new Map();
  for (const [number, body] of bodies) {
    offsets.set(number, text.length);
    text += `${number} 0 obj\n${body}\nendobj\n`;
  }
  const start = text.length;
  const count = Math.max(...bodies.keys()) + 1;
  const entry = (number) => (offsets.has(number) ? `${String(offsets.get(number)).padStart(10, "0")} 00000 n \n` : "0000000000 65535 f \n");
  text += `xref\n0 ${count}\n${Array.from({ length: count }, (_, number) => entry(number)).join("")}trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.from(text, "latin1");
}

/** One line of text at a height of the page. */
export const line = (y, text, font = "F1") => `BT /${font} 14 Tf 0 g 60 ${y} Td ${text.startsWith("<") ? text : `(${text})`} Tj ET\n`;

function reader(parts, length) {
  return {
    length,
    read(start, end) {
      const out = Buffer.alloc(Math.max(0, Math.min(end, length) - start), 0x41);
      for (const part of parts) {
        if (!part.bytes || part.at >= end || part.at + part.bytes.length <= start) continue;
        const from = Math.max(start, part.at);
        const to = Math.min(end, part.at + part.bytes.length);
        part.bytes.copy(out, from - start, from - part.at, to - part.at);
      }
      return out;
    },
  };
}
