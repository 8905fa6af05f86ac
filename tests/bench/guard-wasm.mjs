// The guard's look-up as wasm: node tests/bench/guard-wasm.mjs FOLDER, where wasm-bindgen put `index.js` for the web.
// Reports; asserts nothing about time. `./scripts/bench guard-wasm` builds what it needs and runs it.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const folder = resolve(process.argv[2] ?? ".");
const module = new WebAssembly.Module(readFileSync(join(folder, "index_bg.wasm")));
let instances = 0;
const ROUNDS = 1_000_000;
const MIB = 1024 * 1024;

/** A fresh instance: memory that one measurement took does not count for the next. */
async function fresh() {
  const url = pathToFileURL(join(folder, "index.js"));
  url.search = String((instances += 1));
  const wasm = await import(url);
  wasm.initSync({ module });
  return wasm;
}

/** Milliseconds of one run, sorted, of so many. */
function timed(runs, run) {
  return Array.from({ length: runs }, (_, number) => {
    const began = performance.now();
    run(number);
    return performance.now() - began;
  }).sort((a, b) => a - b);
}
const range = (times, digits, unit = 1) => `${(times[0] / unit).toFixed(digits)} to ${(times.at(-1) / unit).toFixed(digits)}`;
const column = (text, width) => String(text).padStart(width);

console.log(`wasm in Node ${process.versions.node} on ${process.arch}; lowest to highest of five runs`);
console.log(["bans", "family", "bytes", "validate ms", "look-up us, none banned", "look-up us, half banned", "memory MiB"].map((name, at) => column(name, [9, 7, 10, 15, 25, 25, 11][at])).join(""));
for (const six of [false, true]) {
  for (const bans of [1_000, 100_000, six ? 830_000 : 1_000_000]) {
    const bytes = (await fresh()).snapshot(bans, six);
    const wasm = await fresh();
    const before = wasm.memory_bytes();
    const validate = timed(5, () => {
      if (!wasm.validate(bytes)) throw new Error("the snapshot is not sound");
    });
    const holder = await fresh();
    const empty = holder.memory_bytes();
    const held = holder.Held.of(bytes);
    const memory = holder.memory_bytes();
    held.look_up(ROUNDS / 10, 50, six, bans, 1); // warm
    let banned = 0;
    const none = timed(5, (number) => (banned = held.look_up(ROUNDS, 0, six, bans, 2 + number)));
    const half = timed(5, (number) => (banned = held.look_up(ROUNDS, 50, six, bans, 20 + number)));
    if (Math.abs(banned / ROUNDS - 0.5) > 0.01) throw new Error(`${banned} of ${ROUNDS} were banned`);
    const us = ROUNDS / 1_000;
    console.log(
      [column(bans, 9), column(six ? "IPv6" : "IPv4", 7), column(bytes.length, 10), column(range(validate, 2), 15), column(range(none, 2, us), 25), column(range(half, 2, us), 25), column(`${(empty / MIB).toFixed(1)} + ${((memory - empty) / MIB).toFixed(1)}`, 11)].join(""),
    );
    if (before > memory) throw new Error("memory shrank");
  }
}

const addresses = 10_000_000;
const wasm = await fresh();
const began = performance.now();
const rows = wasm.strikes(addresses);
const seconds = (performance.now() - began) / 1000;
console.log(`${addresses.toLocaleString("en")} addresses, one strike each: never more than ${rows.toLocaleString("en")} rows, ${(wasm.memory_bytes() / MIB).toFixed(0)} MiB of wasm memory in all, ${((seconds * 1e6) / addresses).toFixed(1)} us a strike`);
