// Many letters in one site, through their whole life: node tests/soak/life.mjs [LETTERS]
//
// They are put into the bucket, a tenth is opened or consented to, the sweep finds the others. All of them end at the same
// second, and all of them are deleted at the same second. The first thing that does not hold ends it.

import { manyLetters } from "../edge/lib/many.mjs";

const LETTERS = Number(process.argv[2] ?? 10_000);
const say = (words) => console.log(`${new Date().toISOString().slice(11, 19)} ${words}`);

const began = performance.now();
const told = await manyLetters("soak-life", LETTERS, { say, patience: 3_600_000, sockets: 32 });
const size = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

console.log(`\n${told.letters} letters, ${told.events} events, ${((performance.now() - began) / 1000).toFixed(0)} s in all`);
for (const [what, seconds] of Object.entries(told.seconds)) {
  const rate = seconds > 0 ? `${Math.round(told.letters / seconds)} letters a second` : "";
  console.log(`  ${what.padEnd(30)} ${seconds.toFixed(1).padStart(8)} s   ${rate}`);
}
console.log("\non disk                     while they live    when they are gone");
for (const store of Object.keys(told.full)) console.log(`  ${store.padEnd(24)} ${size(told.full[store]).padStart(16)} ${size(told.empty[store] ?? 0).padStart(20)}`);
console.log(`\nleft: ${told.left.ledgers} ledgers with ${told.left.events} events, ${told.left.objects} objects in the bucket ${JSON.stringify(told.left.by)}`);
