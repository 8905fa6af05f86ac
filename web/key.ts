// The key in the fragment: 16 bytes as 26 characters of Crockford base32.
//
// It stays on this page: it is never stored, logged or sent. It is found by the rules of docs/TOKEN.md, "Reading a link",
// whatever mail programs, messengers and people put around it; tests/vectors/links.json holds for this file too. The
// page has no secret to verify a token with and needs none: it looks for the one in its own address.

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const KEY_BYTES = 16;
const KEY_CHARS = 26;
/** As much is read of what a person pasted. */
const PASTED_MAX = 64 * 1024;
/** As much is read of a fragment, as the edge does of a path. */
const FRAGMENT_MAX = 1024;
/** Number signs behind which a key is looked for, and how much is read behind each. */
const MARKS_MAX = 16;
const KEY_BYTES_MAX = 512;
/** Readings with one percent sign taken otherwise than the rest. */
const MIXED_READINGS_MAX = 512;

/** What a percent sign and two digits stand for: a byte, also where it was encoded again; a byte; three characters. */
const PERCENTS = ["nested", "once", "literal"] as const;
type Percent = (typeof PERCENTS)[number];
/** How a percent sign is read, by its place. */
type Reading = (at: number) => Percent;
/** "whole": all directly behind the mark and no other character behind them. "broken": anything but `&` and `;` may stand between. */
type Pass = "whole" | "broken";

export interface Key {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The one canonical spelling. */
  readonly text: string;
}

/** Decodes 26 characters of the alphabet; null when the two spare bits are wrong. */
function decodeKey(text: string): Key | null {
  const bytes = new Uint8Array(KEY_BYTES);
  let bits = 0;
  let pending = 0;
  let at = 0;
  for (const char of text) {
    pending = (pending << 5) | ALPHABET.indexOf(char);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = pending >> bits;
      pending &= (1 << bits) - 1;
    }
  }
  // One key has one spelling: the spare bits must be zero.
  return pending === 0 ? { bytes, text } : null;
}

export type FragmentKey = { found: "none" } | { found: "broken" } | { found: "key"; key: Key };

/** Reads `location.hash`. */
export function fromFragment(hash: string): FragmentKey {
  if (hash.replace(/^#/, "").trim() === "") return { found: "none" };
  // Of a character reference (`&#39;`) the browser took the `&` for the end of the path.
  const text = hash.slice(0, FRAGMENT_MAX).replace(/^#x?[0-9a-f]{1,6}(;|%3b)/i, "&$&");
  const key = keyBehind(new TextEncoder().encode(text), 0);
  return key ? { found: "key", key } : { found: "broken" };
}

/** Reads what a person pasted: any text with the link of this page in it, or the key alone. */
export function fromPasted(pasted: string, token: string): Key | null {
  const text = new TextEncoder().encode(pasted.slice(0, PASTED_MAX));
  const end = tokenEnd(text, token);
  if (end !== null) return keyBehind(text, end);
  // The link of another page has the key of another letter.
  return pasted.includes("/") ? null : (keyBehind(text, 0) ?? keyAlone(text));
}

/** Where it goes on behind the token, if it stands in the text in any spelling. */
export function tokenEnd(text: Uint8Array, token: string): number | null {
  for (const percent of PERCENTS) {
    for (let start = 0; start < text.length; start += 1) {
      const end = endAt(text, start, token, () => percent);
      if (end !== null) return end;
    }
  }
  return mixedEnd(text, token);
}

/** The same with one percent sign taken otherwise than the rest. */
function mixedEnd(text: Uint8Array, token: string): number | null {
  let left = MIXED_READINGS_MAX;
  for (let start = 0; start < text.length; start += 1) {
    let at = start;
    for (let matched = 0; matched < token.length; ) {
      const read = symbolAt(text, at, () => "nested");
      // What stands behind a character that is none of the token is not of it in any reading.
      if (read === null || (at === start && read[0] !== token[0])) break;
      for (const other of isEscape(text, at) ? (["once", "literal"] as const) : []) {
        if (left === 0) return null;
        left -= 1;
        const place = at;
        const end = endAt(text, start, token, (here) => (here === place ? other : "nested"));
        if (end !== null) return end;
      }
      if (read[0] !== "" && read[0] !== token[matched]) break;
      if (read[0] !== "") matched += 1;
      at = read[1];
    }
  }
  return null;
}

/** Where it goes on behind the token whose first character stands at `start`. */
function endAt(text: Uint8Array, start: number, token: string, reading: Reading): number | null {
  if (symbolAt(text, start, reading)?.[0] !== token[0]) return null;
  let at = start;
  for (const symbol of token) {
    const next = nextSymbol(text, at, reading);
    if (next?.[0] !== symbol) return null;
    at = next[1];
  }
  return at;
}

/** The first 26 characters of the alphabet behind the first `#` at or after `from` where they spell a key: whole, or else broken. */
export function keyBehind(text: Uint8Array, from: number): Key | null {
  const marks: number[] = [];
  for (let at = from; at < text.length && marks.length < MARKS_MAX; at += 1) {
    const after = mark(text, at);
    if (after !== null) marks.push(after);
  }
  for (const pass of ["whole", "broken"] as const) {
    for (const after of marks) {
      for (const percent of PERCENTS) {
        const read = collect(text.subarray(0, after + KEY_BYTES_MAX), after, () => percent, pass);
        const key = read && decodeKey(read[0]);
        if (key) return key;
      }
    }
  }
  return null;
}

function keyAlone(text: Uint8Array): Key | null {
  const nested = () => "nested" as const;
  const read = collect(text.subarray(0, KEY_BYTES_MAX), 0, nested, "broken");
  return read && nextSymbol(text, read[1], nested) === null ? decodeKey(read[0]) : null;
}

/** The next 26 characters of the alphabet, and where it goes on. */
function collect(text: Uint8Array, from: number, reading: Reading, pass: Pass): [string, number] | null {
  let symbols = "";
  let at = from;
  while (symbols.length < KEY_CHARS) {
    const read = symbolAt(text, at, reading);
    if (read === null) return null;
    if (read[0] === "" && (pass === "whole" || "&;".includes(String.fromCharCode(byteAt(text, at, () => "nested")?.[0] ?? 0)))) return null;
    symbols += read[0];
    at = read[1];
  }
  return pass === "whole" && symbolAt(text, at, reading)?.[0] ? null : [symbols, at];
}

/** Where it goes on behind the `#` at `at`: plain, percent-encoded, or a numeric character reference. */
function mark(text: Uint8Array, at: number): number | null {
  const after = numberSign(text, at);
  if (after === null) return null;
  if (!/(&|%26)(amp(;|%3[bB])){0,3}$/.test(latin1(text, at - 21, at))) return after;
  const reference = /^([0-9a-z]*)(;|%3b)/i.exec(latin1(text, after, after + 32));
  if (reference === null) return after;
  return /^(35|x23)$/i.test(reference[1] ?? "") ? after + reference[0].length : null;
}

function numberSign(text: Uint8Array, at: number): number | null {
  const nested = () => "nested" as const;
  const first = byteAt(text, at, nested);
  if (first?.[0] !== 0xef) return first?.[0] === 0x23 ? first[1] : null;
  // U+FF03, full-width.
  const second = byteAt(text, first[1], nested);
  const third = second?.[0] === 0xbc ? byteAt(text, second[1], nested) : null;
  return third?.[0] === 0x83 ? third[1] : null;
}

function latin1(text: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...text.subarray(Math.max(from, 0), to));
}

/** The next character of the alphabet at or after `at`, and where it goes on. */
function nextSymbol(text: Uint8Array, from: number, reading: Reading): [string, number] | null {
  for (let at = from; ; ) {
    const read = symbolAt(text, at, reading);
    if (read === null) return null;
    if (read[0] !== "") return read;
    at = read[1];
  }
}

/** The character of the alphabet at `at`, or nothing, and where it goes on. */
function symbolAt(text: Uint8Array, at: number, reading: Reading): [string, number] | null {
  const first = byteAt(text, at, reading);
  if (first === null) return null;
  // Full-width forms, U+FF00 to U+FF7F in UTF-8. Of everything else beyond ASCII each byte is skipped.
  if (first[0] === 0xef) {
    const second = byteAt(text, first[1], reading);
    const third = second && byteAt(text, second[1], reading);
    if (second && third && (second[0] & 0xfe) === 0xbc && (third[0] & 0xc0) === 0x80) {
      return [fold((((second[0] & 1) << 6) | (third[0] & 0x3f)) + 0x20), third[1]];
    }
  }
  return [fold(first[0]), first[1]];
}

/** The alphabet's character for a byte: itself, its lower case or the digit it looks like; else nothing. */
function fold(byte: number): string {
  const folded = String.fromCharCode(byte).toLowerCase().replace("o", "0").replace(/[il]/, "1");
  return byte < 0x80 && ALPHABET.includes(folded) ? folded : "";
}

/** The byte at `at`, and where the next one stands. */
function byteAt(text: Uint8Array, at: number, reading: Reading): [number, number] | null {
  const first = text[at];
  if (first === undefined) return null;
  let digits = at + 1;
  const percent = first === 0x25 ? reading(at) : "literal";
  if (percent === "literal") return [first, digits];
  while (percent === "nested" && escaped(text, digits) === 0x25 && escaped(text, digits + 2) !== null) digits += 2;
  const byte = escaped(text, digits);
  return byte === null ? [first, at + 1] : [byte, digits + 2];
}

/** Whether a percent sign stands here that two hexadecimal digits follow. */
function isEscape(text: Uint8Array, at: number): boolean {
  return text[at] === 0x25 && escaped(text, at + 1) !== null;
}

/** The byte that two hexadecimal digits stand for. */
function escaped(text: Uint8Array, at: number): number | null {
  const digits = latin1(text, at, at + 2);
  return /^[0-9a-f]{2}$/i.test(digits) ? Number.parseInt(digits, 16) : null;
}
