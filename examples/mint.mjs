// Mint Waxseal links. Node only, no packages: copy this file into your backend.
//
// As a module:
//
//     import { activeKey, link } from './mint.mjs';
//     const key = activeKey(process.env.WAXSEAL_KEYS);
//     const url = link(key, 'https://letters.example', letter, notAfter);
//
// From the command line (NOT_AFTER in Unix seconds; 30 days from now if left out):
//
//     WAXSEAL_KEYS='{"active":1,"keys":[...]}' node mint.mjs https://letters.example LETTER [NOT_AFTER]

import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const NOT_AFTER_RULE = 'notAfter must be a positive whole number of Unix seconds, at most 4294967295 (not milliseconds)';

/** A key from its number and its 32 secret bytes. */
export function makeKey(kid, secret) {
  if (!Number.isInteger(kid) || kid < 0 || kid > 255 || secret.length !== 32) {
    throw new RangeError('a key has an id from 0 to 255 and a secret of 32 bytes');
  }
  return { kid, tokenKey: Buffer.from(hkdfSync('sha256', secret, '', 'waxseal/v1/token', 32)) };
}

/** The active key of a keyring. */
export function activeKey(keyringJson) {
  // A byte order mark in front, which some editors and shells put there, does not count.
  const { active, keys } = JSON.parse(keyringJson.replace(/^\ufeff/, ''));
  const key = keys.find(({ id }) => id === active);
  if (!key) throw new RangeError('the active key is not in the keyring');
  return makeKey(key.id, Buffer.from(key.secret, 'base64'));
}

/** The token that opens `letter` (a UUID) while the time is before `notAfter` (Unix seconds). */
export function mint(key, letter, notAfter) {
  const hex = letter.replaceAll('-', '');
  // Buffer.from would stop in silence at the first character that is not hexadecimal.
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new RangeError('the letter is not a UUID');
  const uuid = Buffer.from(hex, 'hex');
  if (!Number.isInteger(notAfter) || notAfter < 1 || notAfter > 0xffffffff) throw new RangeError(NOT_AFTER_RULE);
  const expires = Buffer.alloc(4);
  expires.writeUInt32BE(notAfter);
  const head = Buffer.concat([Buffer.from([1, key.kid]), uuid, expires]);
  const tag = createHmac('sha256', key.tokenKey).update(head).digest().subarray(0, 16);
  const body = Buffer.concat([head, tag]);
  const check = createHash('sha256').update(body).digest().subarray(0, 3);
  return base32(Buffer.concat([body, check]));
}

export function link(key, site, letter, notAfter) {
  return `${site.replace(/\/+$/, '')}/${mint(key, letter, notAfter)}`;
}

/** Unix seconds from text. `Number` alone takes nothing, spaces, signs, fractions, exponents and hexadecimal as well. */
export function seconds(text) {
  if (!/^[0-9]{1,10}$/.test(text)) throw new RangeError(NOT_AFTER_RULE);
  return Number(text);
}

function base32(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bits.replace(/.{1,5}/g, (five) => ALPHABET[parseInt(five.padEnd(5, '0'), 2)]);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [site, letter, notAfter = String(Math.floor(Date.now() / 1000) + 30 * 86400)] = process.argv.slice(2);
  if (!letter) {
    console.error('usage: WAXSEAL_KEYS=... node mint.mjs SITE LETTER [NOT_AFTER]');
    process.exit(1);
  }
  console.log(link(activeKey(process.env.WAXSEAL_KEYS), site, letter, seconds(notAfter)));
}
