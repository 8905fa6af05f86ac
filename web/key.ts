// The key in the fragment: 16 bytes as 26 characters of Crockford base32.
//
// It stays on this page: it is never stored, logged or sent. It is read leniently, because mail programs, messengers and
// people change case and confuse o/0 and i/l/1, and add punctuation after a link.

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const KEY_BYTES = 16;
const KEY_CHARS = 26;

export interface Key {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The one canonical spelling. */
  readonly text: string;
}

/** Decodes 26 characters; null when the length, the alphabet or the two spare bits are wrong. */
export function decodeKey(text: string): Key | null {
  const folded = text.toLowerCase().replace(/o/g, "0").replace(/[il]/g, "1");
  if (folded.length !== KEY_CHARS) return null;
  const bytes = new Uint8Array(KEY_BYTES);
  let bits = 0;
  let pending = 0;
  let at = 0;
  for (const char of folded) {
    const value = ALPHABET.indexOf(char);
    if (value < 0) return null;
    pending = (pending << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = pending >> bits;
      pending &= (1 << bits) - 1;
    }
  }
  // One key has one spelling: the spare bits must be zero.
  return pending === 0 ? { bytes, text: folded } : null;
}

export type FragmentKey = { found: "none" } | { found: "broken" } | { found: "key"; key: Key };

/** Reads `location.hash`. */
export function fromFragment(hash: string): FragmentKey {
  const text = hash.replace(/^#/, "").trim();
  if (text === "") return { found: "none" };
  const key = leadingKey(text);
  return key ? { found: "key", key } : { found: "broken" };
}

/** Reads what a person pasted: the whole link (also with `%23` for `#`), a text around it, or the key alone. */
export function fromPasted(pasted: string): Key | null {
  // Mail programs wrap long links; a link holds no white space of its own.
  const text = pasted.replace(/\s+/g, "");
  const mark = text.search(/#|%23/);
  if (mark < 0) return leadingKey(text);
  return leadingKey(text.slice(mark).replace(/^(#|%23)+/, ""));
}

/** The run of letters and digits at the start; trailing punctuation and appended parameters fall away. */
function leadingKey(text: string): Key | null {
  return decodeKey(/^[0-9a-z]*/i.exec(text)?.[0] ?? "");
}
