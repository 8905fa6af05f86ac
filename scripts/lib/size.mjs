// Reports the size of what is deployed and exits 1 when something is over its budget.
//
// A budget is a promise about a phone on a slow line, so it counts bytes after gzip. Raise one only on purpose.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const KIB = 1024;

/** Folder, file name, gzip budget in bytes. Every file that matches counts. */
const BUDGETS = [
  // No phone loads this one; the platform refuses 3 MiB, and what it starts from cold grows with it. 860 until the index had lists and a feed.
  ["build", /^index_bg\.wasm$/, 1016 * KIB],
  ["build", /^index\.js$/, 16 * KIB],
  ["assets", /^viewer\.js$/, 24 * KIB],
  ["assets", /^envelope\.js$/, 4 * KIB],
  ["assets", /^older\.js$/, 1 * KIB],
  ["assets", /^print-[0-9a-z]+\.js$/, 6 * KIB],
  ["assets", /^pdf-[0-9a-z]+\.js$/, 90 * KIB],
  ["assets", /^pdf\.layers-[0-9a-z]+\.js$/, 32 * KIB],
  ["assets", /^pdf\.worker-[0-9a-z]+\.js$/, 260 * KIB],
];

let over = 0;
console.log(`${"file".padEnd(36)}${"raw".padStart(11)}${"gzip".padStart(11)}${"budget".padStart(11)}`);
for (const [folder, pattern, budget] of BUDGETS) {
  const path = join(root, folder);
  for (const name of existsSync(path) ? readdirSync(path).filter((file) => pattern.test(file)) : []) {
    const bytes = readFileSync(join(path, name));
    const small = gzipSync(bytes, { level: 9 }).length;
    const sign = small > budget ? "  over budget" : "";
    if (sign) over += 1;
    console.log(`${`${folder}/${name}`.padEnd(36)}${kib(bytes.length)}${kib(small)}${kib(budget)}${sign}`);
  }
}
process.exit(over > 0 ? 1 : 0);

function kib(bytes) {
  return `${(bytes / KIB).toFixed(1)} KiB`.padStart(11);
}
