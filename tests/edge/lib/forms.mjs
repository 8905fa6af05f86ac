// Forms as somebody sends them who has read the page: made older than they are. Tests answer at once, and whoever answers
// at once is taken for a robot. What is changed here is the time in the nonce, which the site signs (docs/LEDGER.md).

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { hkdf, secretOf, tokenBytes } from "./seal.mjs";

/** How long a person of these tests reads. */
export const READING_MS = 20_000;

const BODY = 55;
const DOMAINS = ["waxseal/v1/form\0", "waxseal/v1/decline\0"];

/** The nonce of the same form, shown `ms` earlier. What is no nonce of the letter behind `path` stays as it is. */
export function readFor(keyring, path, nonce, ms = READING_MS) {
  const bytes = Buffer.from(nonce ?? "", "base64url");
  const letter = tokenBytes(path.split(/[/?]/)[1] ?? "")?.subarray(2, 18);
  if (bytes.length !== BODY + 16 || bytes.toString("base64url") !== nonce || !letter) return nonce;
  const body = Buffer.from(bytes.subarray(0, BODY));
  if (!keyring.keys.some((key) => key.id === body[0])) return nonce;
  const domain = DOMAINS.find((domain) => timingSafeEqual(tagOf(keyring, letter, domain, body), bytes.subarray(BODY)));
  if (domain === undefined) return nonce;
  body.writeUIntBE(body.readUIntBE(1, 6) - ms, 1, 6);
  return Buffer.concat([body, tagOf(keyring, letter, domain, body)]).toString("base64url");
}

/**
 * A nonce made here and not by the site: `letter` and `terms` in hexadecimal, `secondsAgo` its age, `domain` its purpose (0: the
 * envelope's, 1: that of a no), `browser` the hash of the form cookie.
 */
export function makeNonce(keyring, { letter, terms = "00".repeat(32), secondsAgo = 60, domain = 0, browser = Buffer.alloc(8) }) {
  const issued = Buffer.alloc(8);
  issued.writeBigUInt64BE(BigInt(Date.now() - 1000 * secondsAgo));
  const body = Buffer.concat([Buffer.of(keyring.active), issued.subarray(2), randomBytes(8), browser, Buffer.from(terms, "hex")]);
  return Buffer.concat([body, tagOf(keyring, Buffer.from(letter, "hex"), DOMAINS[domain], body)]).toString("base64url");
}

function tagOf(keyring, letter, domain, body) {
  const key = hkdf(secretOf(keyring, body[0]), letter, "waxseal/v1/nonce", 32);
  return createHmac("sha256", key).update(domain).update(letter).update(body).digest().subarray(0, 16);
}
