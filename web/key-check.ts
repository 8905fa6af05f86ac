// Whether a key is this letter's, before anything is agreed to: docs/SEAL.md, "The key's check".

import type { Key } from "./key.js";

const INFO = new TextEncoder().encode("waxseal/v1/key-check");

/**
 * Whether the first bytes that follow from the key are those in the manifest. `letter` is the UUID. Where there is nothing to
 * compare, or nothing to compute with, no key is called wrong: the first record tells later.
 */
export async function fits(key: Key, letter: string, check: string | undefined): Promise<boolean> {
  // Browsers offer it on secure pages alone.
  const subtle: SubtleCrypto | undefined = crypto.subtle;
  if (check === undefined || subtle === undefined) return true;
  const salt = Uint8Array.from(letter.replaceAll("-", "").match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
  const input = await subtle.importKey("raw", key.bytes, "HKDF", false, ["deriveBits"]);
  const bits = await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info: INFO }, input, check.length * 4);
  return Array.from(new Uint8Array(bits), (byte) => byte.toString(16).padStart(2, "0")).join("") === check;
}
