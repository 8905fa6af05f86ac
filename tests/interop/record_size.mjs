// How fast WebCrypto opens records of each size, one after the other, as the edge and browsers do. A bench:
//
//     node tests/interop/record_size.mjs [MEBIBYTES]

import { webcrypto } from 'node:crypto';

const total = Number(process.argv[2] ?? 64) * 1024 * 1024;
const key = await webcrypto.subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, ['encrypt', 'decrypt']);
const params = { name: 'AES-GCM', iv: new Uint8Array(12) };

console.log('record size    open MB/s    microseconds a record');
for (const size of [4096, 16384, 65536, 262144, 1048576]) {
  const record = await webcrypto.subtle.encrypt(params, key, new Uint8Array(size - 16));
  const count = Math.ceil(total / size);
  const start = performance.now();
  for (let i = 0; i < count; i++) await webcrypto.subtle.decrypt(params, key, record);
  const took = performance.now() - start;
  const rate = Math.round((count * size) / took / 1000);
  const each = ((took * 1000) / count).toFixed(0);
  console.log(`${String(size).padStart(11)}    ${String(rate).padStart(9)}    ${each.padStart(21)}`);
}
