// Kills the edge thousands of times: node tests/soak/crash.mjs [KILLS]
//
// First at every point of every kind of request, the first and the last time it is passed, before and after it; then, up to
// KILLS (2,000), at random under load. What
// was answered is looked for on disk after each. The first thing that does not hold ends it, with the seed that
// brings it back: WAXSEAL_SEED. A site is used for a few hundred kills, then its log is read as a whole, and a new one begins.

import { REQUESTS, killAt, numbers, pointsOf, startCrashing, storm } from "../edge/lib/crash.mjs";
import { SEED } from "../edge/lib/soak.mjs";

const KILLS = Number(process.argv[2] ?? 2_000);
const A_SITE = 250;
const say = (words) => console.log(`${new Date().toISOString().slice(11, 19)} ${words}`);

const began = performance.now();
const totals = { kills: 0, points: new Map(), missed: 0, requests: 0, unanswered: 0, letters: 0 };
const count = (name) => totals.points.set(name, (totals.points.get(name) ?? 0) + 1);

let site = await startCrashing("soak-crash");
for (const [name, request] of Object.entries(REQUESTS)) {
  const points = await pointsOf(site, request);
  let stood = 0;
  for (const point of new Set(points)) {
    const last = points.filter((other) => other === point).length - 1;
    for (const nth of new Set([0, last])) {
      for (const phase of ["before", "after"]) {
        const where = await killAt(site, request, { name: point, nth, phase });
        totals.kills += 1;
        if (where) {
          stood += 1;
          count(`${where.name}, ${phase}`);
        } else totals.missed += 1;
      }
    }
  }
  say(`${name}: ${new Set(points).size} points, ${stood} kills at them`);
}
say(`all ${(await site.settled()).size} events are in the log once`);
await site.stop();

for (let round = 0; totals.kills < KILLS; round += 1) {
  site = await startCrashing("soak-crash");
  const kills = Math.min(A_SITE, KILLS - totals.kills);
  const about = await storm(site, { kills, random: numbers(SEED + round) });
  await site.stop();
  totals.kills += about.kills;
  totals.requests += about.requests;
  totals.unanswered += about.unanswered;
  totals.letters += about.letters.length;
  for (const [name, number] of about.points) totals.points.set(name, (totals.points.get(name) ?? 0) + number);
  say(`${totals.kills} kills, ${about.requests} requests, ${about.letters.length} letters; everything answered was there, and all ${about.entries} events are in the log once`);
}

console.log("\nWhere it died:");
for (const [name, number] of [...totals.points].sort(([, a], [, b]) => b - a)) console.log(`${String(number).padStart(6)}  ${name}`);
const minutes = (performance.now() - began) / 60_000;
console.log(`\n${totals.kills} kills in ${minutes.toFixed(1)} minutes, ${totals.missed} of them where the point was not passed again.`);
console.log(`Under load: ${totals.requests} requests for ${totals.letters} letters, ${totals.unanswered} of them without an answer.`);
