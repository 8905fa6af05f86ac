// The text of a page, as PDF.js hands it to its text layer, with the pieces of one run joined again.
//
// Programs mark each ligature, and PDF.js begins a new piece at each mark. As pieces, "o", "ﬃ" and "ce" are three words to a
// screen reader and none to the browser's own search.

interface Piece {
  str: string;
  dir: string;
  fontName: string;
  transform: number[];
  width: number;
  hasEOL: boolean;
}

interface Mark {
  type: string;
  id?: string;
  tag?: string;
}

interface Chunk {
  items: (Piece | Mark)[];
}

const isPiece = (item: Piece | Mark): item is Piece => "str" in item;

/** The same stream; only marks that name a piece of the document's structure are left in. */
export function joined(text: ReadableStream): ReadableStream {
  // Whether each mark that is open was kept.
  const open: boolean[] = [];
  return text.pipeThrough(
    new TransformStream<Chunk, Chunk>({
      transform(chunk, controller) {
        controller.enqueue({ ...chunk, items: join(chunk.items, open) });
      },
    }),
  );
}

function join(items: Chunk["items"], open: boolean[]): Chunk["items"] {
  const out: Chunk["items"] = [];
  for (const item of items) {
    if (isPiece(item)) {
      const last = out.at(-1);
      if (last && isPiece(last) && follows(last, item)) out[out.length - 1] = both(last, item);
      else out.push(item);
    } else {
      const keep = item.type === "endMarkedContent" ? (open.pop() ?? false) : Boolean(item.id) || item.tag === "Artifact";
      if (item.type !== "endMarkedContent") open.push(keep);
      if (keep) out.push(item);
    }
  }
  return out;
}

/** Whether the second begins where the first ends, on the same line, in the same letters. */
function follows(first: Piece, second: Piece): boolean {
  const [a, b, c, d, x, y] = first.transform as [number, number, number, number, number, number];
  const [a2, b2, c2, d2, x2, y2] = second.transform as [number, number, number, number, number, number];
  const size = Math.hypot(c, d);
  const upright = b === 0 && c === 0 && b2 === 0 && c2 === 0 && a > 0;
  const alike = first.fontName === second.fontName && a === a2 && d === d2 && first.dir !== "rtl" && second.dir !== "rtl";
  return upright && alike && !first.hasEOL && Math.abs(y2 - y) < size / 20 && Math.abs(x + first.width - x2) < size / 4;
}

function both(first: Piece, second: Piece): Piece {
  const width = (second.transform[4] ?? 0) + second.width - (first.transform[4] ?? 0);
  return { ...first, str: first.str + second.str, width, hasEOL: second.hasEOL };
}
