// Searches the logs of a test run for the secrets that it used: node scripts/lib/secrets.mjs FOLDER [MORE...].
//
// FOLDER/secrets.txt has one secret a line, written by the suites. Every `.log` and `.txt` file of the folder is a log, and
// so is every such file of the further folders, where demo and wrangler keep theirs. A secret counts in its own
// spelling, percent-encoded, and, for a base64 key, in hex and base64url.

import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const [folder, ...more] = process.argv.slice(2);
const list = join(folder, "secrets.txt");
// What is shorter would be found by chance.
const SHORTEST = 12;

const secrets = existsSync(list) ? [...new Set(readFileSync(list, "utf8").split("\n"))].filter((line) => line.length >= SHORTEST) : [];
const logs = [folder, ...more.filter(existsSync)]
  .flatMap((place) => readdirSync(place, { recursive: true }).map((name) => join(place, name)))
  .filter((path, at, all) => path !== list && /\.(log|txt)$/.test(path) && statSync(path).isFile() && all.indexOf(path) === at);

const usedSecrets = ["rust", "edge", "browser", "demo"].some((name) => existsSync(join(folder, `${name}.log`)));
if (usedSecrets && secrets.length === 0) {
  console.error("The suites that use secrets noted none, so nothing was checked.");
  process.exit(1);
}

let found = 0;
for (const path of logs) {
  const text = readFileSync(path, "utf8");
  for (const secret of secrets) {
    if (!spellings(secret).some((spelling) => text.includes(spelling))) continue;
    found += 1;
    console.error(`${path} holds a secret that begins with ${secret.slice(0, 4)}`);
  }
}
console.log(`${secrets.length} secrets, ${logs.length} logs, ${found} found`);
process.exit(found > 0 ? 1 : 0);

function spellings(secret) {
  const all = [secret, encodeURIComponent(secret)];
  if (/^[A-Za-z0-9+/]{43}=$/.test(secret)) {
    const bytes = Buffer.from(secret, "base64");
    all.push(bytes.toString("hex"), bytes.toString("base64url"));
  }
  return all;
}
