// Kills the edge thousands of times while it tells a receiver what happens to letters: node tests/soak/webhook.mjs [KILLS]
//
// At every point on the way, each time that it is passed, before and after it; then, up to KILLS (2,000), at points drawn by the seed
// WAXSEAL_SEED, with a receiver that now and then is down, fails, or closes in the middle. The first thing that does not hold ends it.

import { numbers, pointsOf } from "../edge/lib/crash.mjs";
import { SEED } from "../edge/lib/soak.mjs";
import { ON_THE_WAY, TELL, startTelling, tellAndDie } from "../edge/lib/webhook-crash.mjs";

const KILLS = Number(process.argv[2] ?? 2_000);
const A_SITE = 250;
const say = (words) => console.log(`${new Date().toISOString().slice(11, 19)} ${words}`);
const random = numbers(SEED);
const began = performance.now();
const totals = { tries: 0, kills: 0, twice: 0, points: new Map() };

/** What a receiver does now and then; each is made good by the next attempt, five seconds later. */
const MOODS = [(response) => response.socket.destroy(), (response) => response.writeHead(503).end(), (response) => response.writeHead(302, { location: "/" }).end()];

async function round(site, points) {
  for (let number = 0; number < A_SITE && totals.kills < KILLS; number += 1) {
    const planned = points[totals.tries] ?? points[Math.floor(random() * points.length)];
    const mood = random() < 0.05 && MOODS[Math.floor(random() * MOODS.length)];
    let moody = mood;
    site.receiver.behave = (_, response) => {
      if (!moody) return false;
      moody = undefined;
      return mood(response);
    };
    const { stood, twice } = await tellAndDie(site, planned);
    totals.tries += 1;
    totals.twice += twice;
    if (!stood) continue;
    totals.kills += 1;
    const name = `${stood.name}, ${stood.phase}`;
    totals.points.set(name, (totals.points.get(name) ?? 0) + 1);
  }
}

while (totals.kills < KILLS) {
  const site = await startTelling("soak-webhook");
  const passed = (await pointsOf(site, TELL)).filter((point) => ON_THE_WAY.test(point));
  const points = [...new Set(passed)].flatMap((name) => {
    const times = passed.filter((other) => other === name).length;
    return Array.from({ length: times }, (_, nth) => ["before", "after"].map((phase) => ({ name, nth, phase }))).flat();
  });
  await round(site, points);
  for (const letter of site.letters) site.judge(letter);
  await site.settled();
  say(`${totals.kills} kills, ${site.letters.length} letters, ${site.receiver.messages.length} messages: nothing lost, one id each, in order; ${totals.twice} came twice so far`);
  await site.stop();
}
console.log("\nWhere it died:");
for (const [name, count] of [...totals.points].sort(([, a], [, b]) => b - a)) console.log(`${String(count).padStart(6)}  ${name}`);
console.log(`\n${totals.kills} kills in ${((performance.now() - began) / 60_000).toFixed(1)} minutes, ${totals.tries - totals.kills} times the point was not passed.`);
