// The other side of tests/it/seal/interop.rs: http_ece from npm. Any number of jobs of five arguments each:
//
//     node interop.mjs [seal|open KEY_HEX RECORD_SIZE IN OUT]...

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

let ece;
try {
  ece = createRequire(import.meta.url)('http_ece');
} catch {
  console.error('http_ece from npm is missing: run `npm ci` at the top of the checkout');
  process.exit(3);
}

const jobs = process.argv.slice(2);
while (jobs.length > 0) {
  const [what, keyHex, recordSize, from, to] = jobs.splice(0, 5);
  // `key` takes 16 bytes only; the look-up by key id takes input keys of any length, such as the edge's 32.
  const key = () => Buffer.from(keyHex, 'hex');
  const params = { version: 'aes128gcm', rs: Number(recordSize), keyid: '' };
  const work = what === 'seal' ? ece.encrypt : ece.decrypt;
  writeFileSync(to, work(readFileSync(from), params, key));
}
