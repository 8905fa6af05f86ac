// Completes package-lock.json after `npm install` on a machine whose registry lacks packages for other platforms.
//
// npm leaves such optional packages out of the lock file, and `npm ci` then refuses it everywhere. This adds each with
// the version that its parent names and the platform that its name says, so that `npm ci` skips it where it does not fit.
//
// The registry is asked for the SHA-512 of each, old entries without one included. Where it does not have the package,
// the entry stays without: npm then still takes only that version, and trusts the registry for what is in it.
// The script names those at its end. Somebody with a whole registry runs it again and commits the result.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const OS = { android: "android", darwin: "darwin", freebsd: "freebsd", linux: "linux", win32: "win32", windows: "win32" };
const CPU = { 64: "x64", x64: "x64", arm64: "arm64", arm: "arm", ia32: "ia32", riscv64: "riscv64", ppc64: "ppc64", s390x: "s390x" };
const LIBC = { musl: "musl", gnu: "glibc" };

let added = 0;
for (const [parent, entry] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (lock.packages[`node_modules/${name}`] ?? lock.packages[`${parent}/node_modules/${name}`]) continue;
    const words = name.split("/").pop().split("-");
    const pick = (table) => words.map((word) => table[word]).find((value) => value !== undefined);
    const [os, cpu, libc] = [pick(OS), pick(CPU), pick(LIBC)];
    if (!os || !/^\d/.test(version)) throw new Error(`cannot tell what ${name} ${version} is for`);
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(cpu && { cpu: [cpu] }),
      dev: true,
      ...(libc && { libc: [libc] }),
      optional: true,
      os: [os],
    };
    added += 1;
  }
}

let found = 0;
const without = [];
for (const [place, entry] of Object.entries(lock.packages)) {
  if (!place.includes("node_modules/") || entry.integrity || entry.link) continue; // a package of ours
  const name = place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);
  const integrity = integrityOf(`${name}@${entry.version}`);
  if (integrity) {
    const { version, ...rest } = entry;
    lock.packages[place] = { version, integrity, ...rest };
    found += 1;
  } else {
    without.push(`${name}@${entry.version}`);
  }
}

lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} optional packages added, ${found} given their integrity`);
if (without.length > 0) console.log(`The registry does not have these, so they stay without integrity:\n  ${without.join("\n  ")}`);

/** What the registry says of the package's content; null when it does not have that version. Other failures are thrown. */
function integrityOf(spec) {
  try {
    const out = execFileSync("npm", ["view", spec, "dist.integrity", "--json"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    return out.trim() === "" ? null : JSON.parse(out);
  } catch (error) {
    if (/\bE404\b/.test(`${error.stdout}${error.stderr}`)) return null;
    throw new Error(`npm view ${spec}: ${error.stderr}`);
  }
}
