// What there is too much of for every run: a part of it, drawn by a seed, and all of it in `./scripts/test soak`.

import { createHash } from "node:crypto";

export const SOAK = process.env.WAXSEAL_SOAK === "1";
export const SEED = Number(process.env.WAXSEAL_SEED ?? Date.now() % 1_000_000);
console.log(`WAXSEAL_SEED=${SEED}`);

const lot = (name) => createHash("sha256").update(`${SEED} ${name}`).digest().readUInt32BE();

/** Whether this one is drawn: a quarter of them are. */
export const drawn = (name) => SOAK || lot(name) % 4 === 0;

/** One of these, drawn: where each is tried with each of something else. */
export const oneOf = (name, values) => (SOAK ? values : [values[lot(name) % values.length]]);
