// An attack from 1,000 addresses in 60 networks, while 120 people open their letters: at the attackers' very addresses, behind the
// same networks, and elsewhere. Every attacker is banned within its allowance, not one of the people is refused before,
// during and after it, and after midnight nothing is left. In a soak it is five times as large.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { v4, v6 } from "./lib/addresses.mjs";
import { damaged, endOfDay, forged, shape, startGuarded } from "./lib/guard.mjs";
import { until } from "./lib/site.mjs";
import { SOAK } from "./lib/soak.mjs";

const DAY = 86_400;
const AT_ONCE = 64;
const TIMES = SOAK ? 5 : 1;
const [V4, V6, WIDE, PEOPLE] = [40, 12, 8, 120].map((count) => count * TIMES);
const HONEYPOTS = ["/wp-login.php", "/.env", "/.git/config", "/phpmyadmin/", "/cgi-bin/luci"];
const BROWSER = { "user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15", "sec-fetch-mode": "navigate", "sec-fetch-site": "none" };
const ALLOWANCE = { forged: 2, damaged: 20, honeypot: 1 };

let site, noon, letters;
const attackers = [];
const networks = new Set();
const people = [];
const silent = new Map();
const times = [];

/** 40 /24s of 17; 12 /56s of 16 /64s; 8 /48s of 16 /64s in four /56s each. At least 20 networks of each AS. */
function muster() {
  const kinds = Object.keys(ALLOWANCE);
  const attacker = (address, target, asn) => {
    const number = attackers.length;
    // Three in five forge, every twentieth damages, which takes twenty requests each, the others touch honeypots.
    const kind = kinds[number % 20 === 0 ? 1 : number % 5 < 3 ? 0 : 2];
    attackers.push({ address, target, asn, kind, left: ALLOWANCE[kind] });
  };
  for (let network = 0; network < V4; network += 1) {
    for (let host = 1; host <= 17; host += 1) attacker(v4(network, host), v4(network, host), asn(network));
    networks.add(`198.${18 + (network >> 8)}.${network & 255}.0/24`);
  }
  const group = (far, near, host) => `2001:db8:${far.toString(16)}:${((near << 8) | host).toString(16)}::/64`.replace(":0::/", "::/");
  const wide = (far, near, bits) => `2001:db8:${far.toString(16)}${near === 0 ? "" : `:${(near << 8).toString(16)}`}::/${bits}`;
  for (let far = 1; far <= V6; far += 1) {
    for (let host = 0; host < 16; host += 1) attacker(v6(far, 3, host), group(far, 3, host), asn(far));
    networks.add(wide(far, 3, 56));
  }
  for (let far = 101; far <= 100 + WIDE; far += 1) {
    for (let host = 0; host < 16; host += 1) attacker(v6(far, host % 4, host), group(far, host % 4, host), asn(far));
    for (let near = 0; near < 4; near += 1) networks.add(wide(far, near, 56));
    networks.add(wide(far, 0, 48));
  }
}

/** Of 120 people 60 are at attackers' very addresses, eight of them at one (an office); 40 in attacked networks; 20 elsewhere. */
function gather() {
  const person = (from) => {
    const number = people.length;
    people.push({ from, letter: letters[number], browser: site.browser({ "user-agent": BROWSER["user-agent"] }, from), wrong: number % 5 === 0 ? 2 : number % 3 === 0 ? 1 : 0, consents: number % 4 === 0, visits: 3, number });
  };
  const step = Math.floor(attackers.length / (52 * TIMES));
  for (let number = 0; number < 8; number += 1) person({ address: attackers[7].address, asn: attackers[7].asn });
  for (let number = 0; people.length < PEOPLE / 2; number += 1) person({ address: attackers[number * step].address, asn: attackers[number * step].asn });
  for (let number = 0; number < 28 * TIMES; number += 1) person({ address: v4(number % V4, 201 + (number % 50)), asn: asn(number % V4) });
  for (let number = 0; number < 12 * TIMES; number += 1) person({ address: v6(1 + (number % V6), 3, 128 + number), asn: asn(1) });
  while (people.length < PEOPLE) person({ address: v4(300 + people.length, 9), asn: 64_999 });
}

before(async () => {
  site = await startGuarded("guard-attack", { sockets: AT_ONCE });
  noon = (endOfDay(Date.now()) + 12 * 3_600) * 1_000;
  await site.front({ clock: noon });
  letters = [];
  for (let number = 0; number < PEOPLE; number += 20) {
    letters.push(...(await Promise.all(Array.from({ length: 20 }, () => site.put(randomBytes(2_000), { lives: 80 * DAY })))));
  }
  muster();
  gather();
});
after(() => site?.stop());

/** 20 networks and more of each, so that these systems are judged strictly. */
const asn = (network) => 64_500 + (network % (2 * TIMES));

/** Every answer to who must learn nothing is the same; `silent` keeps each that differs, with what it was for. */
async function unanswered(what, path, from, headers = {}) {
  const began = performance.now();
  const answer = await site.get(path, { ...BROWSER, ...headers }, from);
  times.push(performance.now() - began);
  const found = shape(answer);
  if (!silent.has(found)) silent.set(found, what);
}

async function attack(attacker) {
  const from = { address: attacker.address, asn: attacker.asn };
  const number = attackers.indexOf(attacker);
  attacker.left -= 1;
  if (attacker.kind === "forged") await unanswered("forged", forged(), from);
  else if (attacker.kind === "honeypot") await unanswered("honeypot", HONEYPOTS[number % HONEYPOTS.length], from);
  else await unanswered("damaged", damaged(letters[number % PEOPLE], attacker.left * 97 + number), from);
}

/** A person's next step. What they opened with a genuine link must open. */
async function live(person) {
  const { letter, browser, number } = person;
  if (person.wrong > 0) {
    person.wrong -= 1;
    await unanswered("a person's damaged link", damaged(letter, number * 2 + person.wrong), person.from);
    return true;
  }
  if (person.consents) {
    person.consents = false;
    await browser.consent(letter.path);
    const report = await browser.get(`${letter.path}/report`);
    assert.ok(report.status === 200 && report.body.equals(letter.plaintext), `person ${number} reads`);
    return true;
  }
  person.visits -= 1;
  const answer = await browser.get(person.visits === 1 ? letter.path.toUpperCase() : letter.path);
  assert.equal(answer.status, person.visits === 1 ? 302 : 200, `person ${number} at ${person.from.address} was refused`);
  return person.visits > 0;
}

test("all attackers are banned within their allowance, and not one of the people at their addresses is refused", async (t) => {
  assert.deepEqual([attackers.length, networks.size, people.length], [17 * V4 + 16 * V6 + 16 * WIDE, V4 + V6 + WIDE * 5, PEOPLE]);
  assert.equal((await site.guard()).day_ends_at, endOfDay(noon), "the day ends at midnight of the site's zone");
  const actors = [...attackers.map((it) => () => attack(it).then(() => it.left > 0)), ...people.map((it) => () => live(it))];
  for (let at = actors.length - 1; at > 0; at -= 1) {
    const other = Math.floor(Math.random() * (at + 1));
    [actors[at], actors[other]] = [actors[other], actors[at]];
  }
  let requests = 0;
  const began = performance.now();
  const work = async () => {
    while (actors.length > 0) {
      const at = Math.floor(Math.random() * actors.length);
      const [actor] = actors.splice(at, 1);
      requests += 1;
      if (await actor()) actors.push(actor);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const seconds = (performance.now() - began) / 1000;

  // The strikes travel in the background.
  const expected = new Set([...attackers.map(({ target }) => target), ...networks]);
  let bans = [];
  await until(async () => (bans = await site.bans()).length >= expected.size, { every: 1_000, within: 120_000 }).catch(() => undefined);
  const found = new Map(bans.map((ban) => [ban.target, ban]));
  assert.equal(found.size, bans.length, "no ban is listed twice");
  const free = attackers.filter(({ target }) => !found.has(target));
  assert.equal(free.length, 0, `${free.length} attackers are free, such as ${JSON.stringify(free.slice(0, 5))}`);
  const others = bans.map(({ target }) => target).filter((target) => !expected.has(target));
  assert.equal(others.length, 0, `others are banned: ${others.slice(0, 5)}`);
  const open = [...networks].filter((network) => !found.has(network));
  assert.equal(open.length, 0, `networks are not banned: ${open.slice(0, 5)}`);
  const end = endOfDay(noon);
  for (const { target, kind, asn } of attackers) {
    const { reason, asn: system, dry_run, until: over } = found.get(target);
    assert.deepEqual([reason, system, dry_run, over], [kind, asn, false, end], target);
  }
  for (const network of networks) assert.equal(found.get(network).reason, "neighbours");
  assert.equal(silent.size, 1, `answers differ: ${[...silent.values()].slice(0, 5)}\n${[...silent.keys()].slice(0, 5).join("\n")}`);

  const { sentinels } = await site.guard();
  const sum = (name) => sentinels.reduce((all, one) => all + one[name], 0);
  assert.deepEqual([sum("banned"), sum("networks")], [attackers.length, networks.size]);
  assert.deepEqual(sentinels.map(({ shard }) => shard), [0, 1, 2, 3]);
  times.sort((a, b) => a - b);
  const at = (part) => times[Math.floor(times.length * part)].toFixed(0);
  t.diagnostic(`${requests} steps in ${seconds.toFixed(0)} s (${(times.length / seconds).toFixed(0)} hostile requests a second), silent answers after ${at(0.5)} ms (median), ${at(0.99)} ms (99 %)`);
  t.diagnostic(`${sum("banned")} clients and ${sum("networks")} networks banned, ${sum("watched")} watched, by shard ${sentinels.map(({ banned }) => banned)}`);
});

test("a genuine link opens at every banned address, for who was there and for who comes; a stranger gets silence", async (t) => {
  const { generation } = await site.guard();
  await until(async () => (await site.explain(attackers[0].address)).snapshot.generation >= generation);
  let opened = 0;
  for (const { address, asn: system } of attackers.filter((_, index) => index % 11 === 0)) {
    const from = { address, asn: system };
    const standing = await site.explain(address, { asn: system });
    assert.deepEqual([standing.standing, standing.answers], ["address_banned", { genuine: "serve", other: "silent" }], address);
    assert.equal((await site.get(letters[opened % PEOPLE].path, BROWSER, from)).status, 200, address);
    await unanswered("a stranger at a banned address", forged(), from);
    opened += 1;
  }
  assert.equal(silent.size, 1, `answers differ: ${[...silent.values()]}`);
  for (const { browser, letter, from } of people) {
    const own = await browser.json(letter.path);
    if (own.state !== "letter") await browser.consent(letter.path);
    const report = await browser.get(`${letter.path}/report`);
    assert.ok(report.status === 200 && report.body.equals(letter.plaintext), from.address);
  }
  t.diagnostic(`${opened} newcomers at banned addresses and ${people.length} people: none refused`);
  // A newcomer in a banned network: a genuine link opens, though an AS with so many banned networks is judged strictly.
  for (let network = 0; network < V4; network += 9) {
    const from = { address: v4(network, 99), asn: asn(network) };
    assert.equal((await site.get(letters[1].path, BROWSER, from)).status, 200, from.address);
  }
  const standing = await site.explain(v4(0, 99), { asn: 64_500 });
  assert.deepEqual([standing.standing, standing.strict, standing.answers], ["network_banned", true, { genuine: "serve", other: "silent" }]);
});

test("the log names no address and no token", () => {
  const text = readFileSync(site.log, "utf8");
  const lines = text.split("\n").filter((line) => line.startsWith("{"));
  assert.ok(lines.length > 0);
  assert.equal(/198\.1[89]\.[\d.]+|2001:db8:[\da-f:]*|\b10\.\d+\.\d+\.1\b/.exec(text)?.[0], undefined);
  assert.equal(/[0-9a-hjkmnp-tv-z]{66}/i.exec(text)?.[0], undefined);
});

/** Rows by table of all sentinels as they lie on disk, without the runtime's own tables. */
function stored() {
  const folder = join(site.state, "v3/do");
  const files = readdirSync(folder, { recursive: true }).filter((name) => /Sentinel/.test(name) && name.endsWith(".sqlite") && !/metadata/.test(name));
  const rows = {};
  let bytes = 0;
  for (const file of files) {
    bytes += statSync(join(folder, file)).size;
    const db = new DatabaseSync(join(folder, file), { readOnly: true });
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    for (const { name } of tables.filter((table) => !/^(_cf_|sqlite_|__miniflare_)/.test(table.name))) rows[name] = (rows[name] ?? 0) + db.prepare(`SELECT count(*) AS rows FROM "${name}"`).get().rows;
    db.close();
  }
  return { files: files.length, rows, bytes };
}

test("after midnight all bans are gone and the sentinels' storage is empty", async (t) => {
  const during = stored();
  assert.ok(Object.values(during.rows).reduce((a, b) => a + b, 0) >= attackers.length + networks.size, JSON.stringify(during));
  const midnight = endOfDay(noon);
  const left = async () => (await site.guard()).sentinels.map(({ watched, banned, networks: wide }) => watched + banned + wide);

  await site.front({ clock: (midnight - 5) * 1_000 });
  assert.ok((await left()).reduce((a, b) => a + b, 0) > attackers.length, "five seconds before midnight all are there");
  await site.front({ clock: (midnight + 1) * 1_000 });
  await until(async () => (await left()).every((rows) => rows === 0), { every: 500 });
  assert.deepEqual(await site.bans(), []);
  for (const { address } of attackers.filter((_, index) => index % 50 === 0)) await site.freed({ address });
  const end = await until(() => {
    const now = stored();
    return Object.keys(now.rows).length === 0 && now; // not even a table
  });
  t.diagnostic(`on disk: ${JSON.stringify(during)} during, ${JSON.stringify(end)} after midnight`);
});
