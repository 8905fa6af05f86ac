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

/** What a percent sign and two digits stand for: a byte, also where it was encoded again; a byte; three characters. */
const PERCENTS = ["nested", "once", "literal"] as const;
type Percent = (typeof PERCENTS)[number];

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
  const text = hash.replace(/^#x?[0-9a-f]{1,6}(;|%3b)/i, "&$&");
  const key = keyBehind(new TextEncoder().encode(text), 0);
  return key ? { found: "key", key } : { found: "broken" };
}

/** Reads what a person pasted: any text with the link of this page in it, or the key alone. */
export function fromPasted(pasted: string, token: string): Key | null {
  const text = new TextEncoder().encode(pasted.slice(0, PASTED_MAX));
  const end = tokenEnd(text, token);
  if (end !== null) return keyBehind(text, end);
  return keyBehind(text, 0) ?? keyAlone(text);
}

/** Where it goes on behind the token, if it stands in the text in any spelling. */
export function tokenEnd(text: Uint8Array, token: string): number | null {
  for (const percent of PERCENTS) {
    for (let start = 0; start < text.length; start += 1) {
      if (symbolAt(text, start, percent)?.[0] !== token[0]) continue;
      let at = start;
      let matched = 0;
      while (matched < token.length) {
        const next = nextSymbol(text, at, percent);
        if (next === null || next[0] !== token[matched]) break;
        at = next[1];
        matched += 1;
      }
      if (matched === token.length) return at;
    }
  }
  return null;
}

/** The first 26 characters of the alphabet behind the first `#` at or after `from` where they spell a key. */
export function keyBehind(text: Uint8Array, from: number): Key | null {
  for (let at = from; at < text.length; at += 1) {
    const after = mark(text, at);
    if (after === null) continue;
    for (const percent of PERCENTS) {
      const read = collect(text, after, percent);
      const key = read && decodeKey(read[0]);
      if (key) return key;
      // Literal gives the most characters: where they are too few, there are fewer behind any later mark.
      if (read === null && percent === "literal") return null;
    }
  }
  return null;
}

function keyAlone(text: Uint8Array): Key | null {
  const read = collect(text, 0, "nested");
  return read && nextSymbol(text, read[1], "nested") === null ? decodeKey(read[0]) : null;
}

/** The next 26 characters of the alphabet, and where it goes on. */
function collect(text: Uint8Array, from: number, percent: Percent): [string, number] | null {
  let symbols = "";
  let at = from;
  while (symbols.length < KEY_CHARS) {
    const next = nextSymbol(text, at, percent);
    if (next === null) return null;
    symbols += next[0];
    at = next[1];
  }
  return [symbols, at];
}

/** Where it goes on behind the `#` at `at`: plain, percent-encoded, or a numeric character reference. */
function mark(text: Uint8Array, at: number): number | null {
  const byte = byteAt(text, at, "nested");
  if (byte?.[0] !== 0x23) return null;
  const [, after] = byte;
  if (!/(&|%26)$/.test(latin1(text, at - 3, at))) return after;
  const reference = /^([0-9a-z]*)(;|%3b)/i.exec(latin1(text, after, after + 32));
  if (reference === null) return after;
  return /^(35|x23)$/i.test(reference[1] ?? "") ? after + reference[0].length : null;
}

function latin1(text: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...text.subarray(Math.max(from, 0), to));
}

/** The next character of the alphabet at or after `at`, and where it goes on. */
function nextSymbol(text: Uint8Array, from: number, percent: Percent): [string, number] | null {
  for (let at = from; ; ) {
    const read = symbolAt(text, at, percent);
    if (read === null) return null;
    if (read[0] !== "") return read;
    at = read[1];
  }
}

/** The character of the alphabet at `at`, or nothing, and where it goes on. */
function symbolAt(text: Uint8Array, at: number, percent: Percent): [string, number] | null {
  const first = byteAt(text, at, percent);
  if (first === null) return null;
  // Full-width forms, U+FF00 to U+FF7F in UTF-8. Of everything else beyond ASCII each byte is skipped.
  if (first[0] === 0xef) {
    const second = byteAt(text, first[1], percent);
    const third = second && byteAt(text, second[1], percent);
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
function byteAt(text: Uint8Array, at: number, percent: Percent): [number, number] | null {
  const first = text[at];
  if (first === undefined) return null;
  let digits = at + 1;
  if (first !== 0x25 || percent === "literal") return [first, digits];
  while (percent === "nested" && escaped(text, digits) === 0x25 && escaped(text, digits + 2) !== null) digits += 2;
  const byte = escaped(text, digits);
  return byte === null ? [first, at + 1] : [byte, digits + 2];
}

/** The byte that two hexadecimal digits stand for. */
function escaped(text: Uint8Array, at: number): number | null {
  const digits = latin1(text, at, at + 2);
  return /^[0-9a-f]{2}$/i.test(digits) ? Number.parseInt(digits, 16) : null;
}
