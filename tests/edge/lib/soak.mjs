// What there is too much of for every run: a quarter of it, drawn by a seed, and all of it in `./scripts/test soak`.

import { createHash } from "node:crypto";

export const SOAK = process.env.WAXSEAL_SOAK === "1";
export const SEED = Number(process.env.WAXSEAL_SEED ?? Date.now() % 1_000_000);
console.log(`WAXSEAL_SEED=${SEED}`);

/** Whether this one is drawn. */
export const drawn = (name) => SOAK || createHash("sha256").update(`${SEED} ${name}`).digest()[0] < 64;
