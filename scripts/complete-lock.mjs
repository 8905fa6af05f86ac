// Completes package-lock.json after `npm install` on a machine whose registry mirror lacks packages for other platforms.
//
// npm leaves such optional packages out of the lock file, and `npm ci` then refuses it everywhere. This adds each with
// the version that its parent names and the platform that its name says, so that `npm ci` skips it where it does not fit.

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
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} optional packages added`);
