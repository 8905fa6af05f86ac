// Kills the edge at a named point, or at any moment under load, and holds what is left against what was answered.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { indexOnDisk, ledgerOnDisk, sequencerOnDisk } from "./chain.mjs";
import { faults } from "./faults.mjs";
import { entryOf, logKey, readWhole } from "./log.mjs";
import { Life, NoAnswer } from "./oracle.mjs";
import { startSite, until } from "./site.mjs";

export const REPORT = randomBytes(150_000);
const now = () => Math.floor(Date.now() / 1000);

/** Whether something is still to be done about a letter: an event to be logged, the index to be told, a deadline. */
function leftUndone({ snapshot, waiting, events }) {
  const soon = now() + 3;
  const due = snapshot.end_reason === "erased" ? false : snapshot.end_reason === null ? snapshot.not_after < soon : snapshot.delete_after < soon;
  return due || waiting.length > 0 || events.some((event) => event.entry === null);
}

/** A site with the front of `faults.mjs` before it, on a workerd of its own. */
export async function startCrashing(name, options = {}) {
  const site = await startSite(name, { wrap: faults(), sockets: 64, ...options });
  const front = async (said) => {
    const body = said && JSON.stringify(said);
    const headers = { "content-length": Buffer.byteLength(body ?? "") };
    return JSON.parse((await site.send(said ? "POST" : "GET", "/__front", { body, headers })).body);
  };
  return Object.assign(site, {
    /** Stands still at this point from now on; without one, only counts anew. It may stand before it can answer. */
    arm: (arm) => Promise.race([front({ arm }).catch((error) => site.edge.fault.then(() => error)), site.edge.fault]),
    /** The alarm of the ledger of this letter rings now. */
    ring: (letter) => front({ ring: { binding: "LEDGER", name: letter } }),
    /** The points that were passed, once nothing passes any more, or it never ends. */
    async passed() {
      let before = [];
      let still = 0;
      let rounds = 0;
      await until(async () => {
        const passed = await front();
        still = passed.length === before.length ? still + 1 : 0;
        before = passed;
        rounds += 1;
        return still === 4 || rounds === 100;
      }, { every: 25 });
      return before;
    },
    /** The keys of the bucket that begin so. */
    keys: async (prefix) => JSON.parse((await site.send("GET", `/__front/r2/${prefix}`)).body),
    /** Every checkpoint that somebody was shown, as `{ size, root }`. */
    checkpoints: [],
    log: async () => JSON.parse((await site.send("GET", "/api/v1/log", { headers: { authorization: `Bearer ${site.apiKey}` } })).body),
    /** A file of the log as everybody reads it. */
    logFile: async (path) => {
      const answer = await site.send("GET", `/log/${path}`);
      assert.ok([200, 404].includes(answer.status), `${path}: ${answer.status}`);
      return answer.status === 200 ? answer.body : undefined;
    },
    /** The letters that there may be. */
    letters: [],
    /**
     * Waits until every deadline that has passed is on record and every event in the log, by what lies on disk and what the
     * edge says. Then reads all of the log: each event once, in the order of its chain, at the number that its ledger
     * noted; and no others. Nor does the index's feed have any twice, or none.
     */
    async settled() {
      let ledgers;
      const total = () => ledgers.reduce((sum, [, { events }]) => sum + events.length, 0);
      const quiet = () => {
        ledgers = site.letters.map((letter) => [letter, ledgerOnDisk(site.state, letter)]).filter(([, ledger]) => ledger);
        return ledgers.every(([, ledger]) => !leftUndone(ledger));
      };
      const log = await until(async () => {
        // Whoever asks the sequencer how it is wakes it, so it is not asked.
        const stands = sequencerOnDisk(site.state);
        if (!stands && quiet() && total() === 0) return { size: 0, entries: [] };
        if (!quiet() || !stands || stands.fault || stands.unpublished || stands.size < stands.count) return false;
        const read = await readWhole(site.logFile, logKey(site.keyring, stands.origin), site.checkpoints);
        if (read.note) site.checkpoints.push({ size: read.size, root: read.root });
        return read.size >= total() && quiet() && read.size === total() && read;
      }, { every: 100, within: 60_000 }).catch((error) => {
        const late = ledgers?.filter(([, ledger]) => leftUndone(ledger)).map(([letter, { snapshot, events }]) => `${letter} ${snapshot.end_reason} ${events.map(({ kind, entry }) => `${kind}:${entry}`)}`);
        throw new Error(`${error.message}: ${late?.join("; ")}; ${total()} events; ${JSON.stringify(sequencerOnDisk(site.state))}`);
      });
      for (const [letter, { events }] of ledgers) {
        let before = -1;
        for (const event of events) {
          assert.ok(log.entries[event.entry]?.equals(entryOf(letter, event)), `event ${event.seq} of letter ${letter} is entry ${event.entry}`);
          assert.ok(event.entry > before, `event ${event.seq} of letter ${letter} is behind the one before it`);
          before = event.entry;
        }
      }
      assert.equal(new Set(log.entries.map((entry) => entry.toString("hex"))).size, log.size, "no entry twice");
      const { letters, feed } = indexOnDisk(site.state) ?? { letters: new Map(), feed: [] };
      for (const [letter, { snapshot, events }] of ledgers) {
        const told = feed.filter((one) => one.letter === letter).flatMap((one) => one.events);
        assert.deepEqual(told.map(({ seq, kind, at }) => [seq, kind, at]), events.map(({ seq, kind, at }) => [seq, kind, at]), `the feed of letter ${letter}`);
        const { state, over, seq, due } = letters.get(letter);
        assert.deepEqual([state, over, seq, due === null], [snapshot.state, snapshot.end_reason, events.length, snapshot.end_reason === "erased"], `letter ${letter} in the index`);
      }
      return log;
    },
    onDisk: (life) => ledgerOnDisk(site.state, life.id),
  });
}

// Each kind of request: what has to be there before it, and the request. It is made again after the crash, as a person or a
// program does who got no answer, and must then be answered.
const sealed = async (site, options) => {
  const life = new Life(site, REPORT, options);
  await life.body();
  await life.manifest();
  return life;
};
const met = async (site, options) => {
  const life = await sealed(site, options);
  await life.meet();
  return life;
};
export const consented = async (site, options) => {
  const life = await met(site, options);
  await life.consent(life.people[0]);
  return life;
};
/** Waits until an event of this kind is on disk. Only the disk is watched: nothing is asked that could bring it about. */
const recorded = async (life, kind) => {
  const { site } = life;
  const { edge } = site;
  const found = await until(() => (site.onDisk(life)?.events.some((event) => event.kind === kind) ? "there" : !edge.alive() && "died"), { every: 10 });
  if (found === "died") throw new NoAnswer("died");
};
/** A letter whose retention has passed when the ledger takes it on. */
const PAST = () => ({ about: { issued_at: now() - 3 * 86_400, not_after: now() - 2 * 86_400, retention_days: 1 }, tokenEnd: now() + 86_400 });

export const REQUESTS = {
  body: { before: async (site) => new Life(site, REPORT), ask: (life) => life.body() },
  parts: { before: async (site) => new Life(site, REPORT), ask: (life) => life.bodyInParts() },
  manifest: {
    before: async (site) => {
      const life = new Life(site, REPORT);
      await life.body();
      return life;
    },
    ask: (life) => life.manifest(),
  },
  open: { before: sealed, ask: (life) => life.meet() },
  consent: { before: met, ask: (life) => life.consent(life.people[0]) },
  refuse: { before: met, ask: (life) => life.sayNo("refuse") },
  withdraw: { before: consented, ask: (life) => life.sayNo("withdraw") },
  "one-click": { before: consented, ask: (life) => life.sayNo("one-click") },
  report: { before: consented, ask: (life) => life.report(life.people[0]) },
  "report, end to end": { before: (site) => consented(site, { endToEnd: true }), ask: (life) => life.report(life.people[0]) },
  cancel: { before: consented, ask: (life) => life.cancel() },
  show: { before: consented, ask: (life) => life.show() },
  erase: { before: consented, ask: (life) => life.erase() },
  export: { before: consented, ask: (life) => life.export() },
  "into the log": {
    before: (site) => consented(site, { about: { customer: `C-${randomBytes(6).toString("hex")}` } }),
    // Nothing is asked any more, and the disk is watched: the ledger's alarm and the sequencer's do the rest.
    ask: async (life) => {
      const { site } = life;
      const { edge } = site;
      const told = () => {
        const { waiting, events } = site.onDisk(life);
        const log = sequencerOnDisk(site.state);
        return events.every((event) => event.entry !== null && event.entry < log?.size) && waiting.length === 0 && !log.unpublished;
      };
      const end = await until(() => (told() ? "told" : !edge.alive() && "died"), { every: 20, within: 60_000 });
      if (end === "died") throw new NoAnswer("died");
    },
  },
  "erase a customer": {
    before: async (site) => {
      const customer = `C-${randomBytes(6).toString("hex")}`;
      const life = await consented(site, { about: { customer } });
      life.other = await consented(site, { about: { customer } });
      await until(() => [life, life.other].every((one) => !site.onDisk(one).waiting.includes("ledger_index")), { every: 20 });
      return Object.assign(life, { customer });
    },
    ask: async (life) => {
      const body = JSON.stringify({ customer: life.customer });
      const headers = { authorization: `Bearer ${life.site.apiKey}`, "content-length": Buffer.byteLength(body) };
      life.erased.asked += 1;
      life.other.erased.asked += 1;
      const answer = await life.send("POST", "/api/v1/customers/erase", { body, headers });
      const said = JSON.parse(answer.body);
      // Asked again, there may be nobody any more: it is done, and forgotten.
      assert.deepEqual([answer.status, said.left], [200, 0], answer.body.toString());
      life.erased.answered += 1;
      life.other.erased.answered += 1;
      life.other.verify(life.site.onDisk(life.other));
    },
  },
  sweep: {
    before: (site) => sealed(site, PAST()),
    ask: async (life) => {
      const headers = { authorization: `Bearer ${life.site.apiKey}`, "content-length": 0 };
      life.begun = false;
      const answer = await life.send("POST", "/api/v1/sweep", { headers });
      assert.equal(answer.status, 202, answer.body.toString());
      life.begun = true;
      await recorded(life, "erased");
    },
    // A sweep that was answered goes on by itself.
    again: async (life) => (life.begun ? recorded(life, "erased") : REQUESTS.sweep.ask(life)),
  },
  "end of retention": {
    before: (site) => sealed(site, PAST()),
    ask: async (life) => {
      await life.open();
      await recorded(life, "erased");
    },
    // Once the ledger knows the letter, its alarm does the rest, however often it was interrupted.
    again: async (life) => {
      if (!life.site.onDisk(life)) await life.open();
      await recorded(life, "erased");
      assert.deepEqual(await life.site.keys(`letters/${life.id}/`), [], "nothing is left in the bucket");
    },
  },
};

/** A generator of numbers that can be had again (mulberry32), below 1. */
export function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Makes a request of this kind once, and answers the points on its way. */
export async function pointsOf(site, { before, ask }) {
  const life = await before(site);
  await site.arm();
  await ask(life);
  const points = await site.passed();
  life.verify(site.onDisk(life));
  return points;
}

/**
 * Kills at a point (see `arm`) of a request of this kind, starts again, asks again. Answers where it stood, if it came there.
 */
export async function killAt(site, { before, ask, again = ask }, point) {
  const life = await before(site);
  await site.arm(point);
  const { edge } = site;
  const asked = Promise.resolve(ask(life)).then(
    () => true,
    (error) => {
      if (error instanceof NoAnswer) return false;
      throw error;
    },
  );
  const quiet = asked.then(async (answered) => answered && void (await site.passed()));
  const stood = await Promise.race([edge.fault, quiet.catch(() => edge.fault)]);
  await site.crash();
  await asked;
  life.verify(site.onDisk(life));
  await site.restart();
  await again(life);
  life.verify(site.onDisk(life));
  return stood || undefined;
}

/** How long after the first answer a kill comes at most when no point was armed, and how many points are armed. */
const WITHIN_MS = 600;
const WITHIN_POINTS = 120;

/**
 * Lets `width` letters at once live at random on the site, and kills it `kills` times: half of them at a point, half at any
 * moment. After each, everything that was answered is looked for on disk, before anything runs again. `told` hears of each
 * kill. In the end everything has to come into the log. Answers `{ kills, points, requests, letters, unanswered, entries }`,
 * `points` counting where it stood.
 */
export async function storm(site, { kills, random, width = 8, told = () => {} }) {
  const small = REPORT.subarray(0, 3_000);
  const about = { kills: 0, points: new Map(), requests: 0, letters: [], unanswered: 0 };
  const begin = () => {
    const lot = random();
    const customer = random() < 0.5 ? { customer: `C-${Math.floor(random() * 20)}` } : {};
    const options = lot < 0.15 ? { endToEnd: true } : lot < 0.3 ? { lives: 2 + Math.floor(random() * 3) } : lot < 0.35 ? PAST() : {};
    const life = new Life(site, random() < 0.25 ? REPORT : small, { ...options, about: { ...options.about, ...customer } });
    life.lasts = 6 + Math.floor(random() * 14);
    about.letters.push(life.id);
    return life;
  };
  const lives = Array.from({ length: width }, begin);
  while (about.kills < kills) {
    const { edge } = site;
    const finished = [];
    let down = false;
    let answered;
    const first = new Promise((resolve) => (answered = resolve));
    const hand = async (at) => {
      while (!down) {
        const life = lives[at];
        try {
          await life.next(random);
          answered();
        } catch (error) {
          if (!(error instanceof NoAnswer)) throw error;
          about.unanswered += 1;
          if (!down) await Promise.race([edge.ended, new Promise((resolve) => setTimeout(resolve, 20))]);
        }
        about.requests += 1;
        life.lasts -= 1;
        if (life.lasts <= 0) {
          finished.push(life);
          lives[at] = begin();
        }
      }
    };
    const point = random() < 0.5;
    if (point) await site.arm({ at: Math.floor(random() * WITHIN_POINTS), phase: random() < 0.5 ? "before" : "after" });
    const hands = lives.map((_, at) => hand(at));
    const failed = new Promise((_, reject) => hands.forEach((one) => one.catch(reject)));
    // A cold start takes its time: the moment counts from the first answer.
    const moment = random() * WITHIN_MS;
    const wait = first.then(() => new Promise((resolve) => setTimeout(resolve, point ? 1_500 : moment)));
    const stood = await Promise.race([edge.fault, wait, failed]);
    down = true;
    await site.crash();
    await Promise.all(hands);
    about.kills += 1;
    const name = stood?.name ? `${stood.name}, ${stood.phase}` : "any moment";
    about.points.set(name, (about.points.get(name) ?? 0) + 1);
    for (const life of [...lives, ...finished]) {
      life.verify(site.onDisk(life));
      site.checkpoints.push(...life.checkpoints.splice(0));
    }
    await site.restart();
    // Now and then it dies again before it has done anything.
    if (random() < 0.05) {
      await new Promise((resolve) => setTimeout(resolve, random() * 100));
      await site.crash();
      await site.restart();
      about.kills += 1;
    }
    await told(about);
  }
  about.entries = (await site.settled()).size;
  return about;
}
