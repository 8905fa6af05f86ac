// Forms as somebody sends them who has read the page: made older than they are. Tests answer at once, and whoever answers
// at once is taken for a robot. What is changed here is the time in the nonce, which the site signs (docs/LEDGER.md).

import { createHmac, timingSafeEqual } from "node:crypto";
import { hkdf, secretOf, tokenBytes } from "./seal.mjs";

/** How long a person of these tests reads. */
export const READING_MS = 20_000;

const BODY = 47;

/** The nonce of the same form, shown `ms` earlier. What is no nonce of the letter behind `path` stays as it is. */
export function readFor(keyring, path, nonce, ms = READING_MS) {
  const bytes = Buffer.from(nonce ?? "", "base64url");
  const letter = tokenBytes(path.split(/[/?]/)[1] ?? "")?.subarray(2, 18);
  if (bytes.length !== BODY + 16 || bytes.toString("base64url") !== nonce || !letter) return nonce;
  const body = Buffer.from(bytes.subarray(0, BODY));
  if (!keyring.keys.some((key) => key.id === body[0])) return nonce;
  const tag = () => {
    const key = hkdf(secretOf(keyring, body[0]), letter, "waxseal/v1/nonce", 32);
    return createHmac("sha256", key).update("waxseal/v1/form\0").update(letter).update(body).digest().subarray(0, 16);
  };
  if (!timingSafeEqual(tag(), bytes.subarray(BODY))) return nonce;
  body.writeUIntBE(body.readUIntBE(1, 6) - ms, 1, 6);
  return Buffer.concat([body, tag()]).toString("base64url");
}
