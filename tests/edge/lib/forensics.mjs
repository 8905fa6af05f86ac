// What somebody finds who has the disk: plaintext in any spelling, and, with the site's keys in hand, what those keys open.

import { createDecipheriv } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { hkdf, secretOf, uuidBytes } from "./seal.mjs";

/** Every file below the folders, with its bytes. A file that goes while we look is gone. */
export function filesBelow(...folders) {
  const found = [];
  for (const folder of folders.filter(existsSync)) {
    for (const name of readdirSync(folder, { recursive: true })) {
      const path = join(folder, name);
      try {
        if (statSync(path).isFile()) found.push({ path, name: relative(folder, path), bytes: readFileSync(path) });
      } catch (error) {
        if (error.code !== "ENOENT") throw error;
      }
    }
  }
  return found;
}

/** The text as somebody may have written it down: raw, UTF-16, base64 (wherever in a longer text it stood), hex, URL-encoded. */
export function spellings(text) {
  const raw = Buffer.from(text);
  const out = new Map([
    ["raw", raw],
    ["UTF-16", Buffer.from(text, "utf16le")],
    ["hex", Buffer.from(raw.toString("hex"))],
    ["HEX", Buffer.from(raw.toString("hex").toUpperCase())],
    ["URL", Buffer.from(encodeURIComponent(text))],
    ["form", Buffer.from(new URLSearchParams({ a: text }).toString().slice(2))],
    ["JSON", Buffer.from(JSON.stringify(text).slice(1, -1))],
  ]);
  for (const phase of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(phase), raw]).toString("base64").replace(/=+$/, "");
    // Characters that also depend on what stood before or stands behind are cut off.
    const own = padded.slice(phase === 0 ? 0 : phase + 1, raw.length + phase === Math.floor((raw.length + phase) / 3) * 3 ? undefined : -1);
    out.set(`base64 ${phase}`, Buffer.from(own));
    out.set(`base64url ${phase}`, Buffer.from(own.replaceAll("+", "-").replaceAll("/", "_")));
  }
  return out;
}

/** Where any of these texts stands, in any spelling: `["subject, raw, do/..."]`. */
export function plaintextIn(files, texts) {
  const found = [];
  for (const [what, text] of Object.entries(texts)) {
    for (const [how, bytes] of spellings(text)) {
      for (const file of files) if (file.bytes.includes(bytes)) found.push(`${what}, ${how}, ${file.name}`);
    }
  }
  return found;
}

function opens(key, nonce, sealed, tag, aad) {
  const gcm = createDecipheriv("aes-256-gcm", key, nonce).setAAD(aad);
  gcm.setAuthTag(tag);
  gcm.update(sealed);
  try {
    gcm.final();
    return true;
  } catch {
    return false;
  }
}

/** docs/LEDGER.md, "What is encrypted": tries every 60 bytes there are as the letter's wrapped key. */
export function letterKeysIn(files, keyring, letter) {
  const found = [];
  for (const { id } of keyring.keys) {
    const key = hkdf(secretOf(keyring, id), uuidBytes(letter), "waxseal/v1/ledger", 32);
    const aad = Buffer.concat([Buffer.from("waxseal/v1/letter-key\0"), uuidBytes(letter), Buffer.of(id)]);
    for (const { name, bytes } of files) {
      for (let at = 0; at + 60 <= bytes.length; at += 1) {
        // Nothing that is encrypted is a run of zeros, and most of a young database is one.
        if (bytes.readUInt32BE(at) === 0) continue;
        if (opens(key, bytes.subarray(at, at + 12), bytes.subarray(at + 12, at + 44), bytes.subarray(at + 44, at + 60), aad)) found.push(`${name}, byte ${at}`);
      }
    }
  }
  return found;
}

/** docs/SEAL.md, "The manifest": wherever one of this letter may begin, its first bytes are decrypted; JSON tells. */
export function manifestsIn(files, keyring, letter) {
  const found = [];
  for (const { id } of keyring.keys) {
    const key = hkdf(secretOf(keyring, id), uuidBytes(letter), "waxseal/v1/manifest", 32);
    const head = Buffer.of(1, id);
    for (const { name, bytes } of files) {
      for (let at = bytes.indexOf(head); at >= 0 && at + 40 <= bytes.length; at = bytes.indexOf(head, at + 1)) {
        const counter = Buffer.concat([bytes.subarray(at + 2, at + 14), Buffer.of(0, 0, 0, 2)]);
        const text = createDecipheriv("aes-256-ctr", key, counter).update(bytes.subarray(at + 14, at + 22)).toString("latin1");
        if (text.startsWith('{"v":1,')) found.push(`${name}, byte ${at}`);
      }
    }
  }
  return found;
}

/** Where a piece of these bytes still lies: any 24 in a row that begin at a multiple of 24. */
export function piecesOf(bytes, files) {
  const found = new Set();
  for (let at = 0; at + 24 <= bytes.length; at += 24) {
    for (const file of files) if (file.bytes.includes(bytes.subarray(at, at + 24))) found.add(file.name);
  }
  return [...found];
}
