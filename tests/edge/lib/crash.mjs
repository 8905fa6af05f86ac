// Kills the edge at a named point, or at any moment under load, and holds what is left against what was answered.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { ledgerOnDisk } from "./chain.mjs";
import { faults } from "./faults.mjs";
import { Life, NoAnswer } from "./oracle.mjs";
import { startSite, until } from "./site.mjs";
import { startWorkerd } from "./workerd.mjs";

export const REPORT = randomBytes(150_000);
const now = () => Math.floor(Date.now() / 1000);

/** A site with the front of `faults.mjs` before it, on a workerd of its own. */
export async function startCrashing(name, options = {}) {
  const site = await startSite(name, { wrap: faults(), run: startWorkerd, sockets: 64, ...options });
  const front = async (said) => {
    const body = said && JSON.stringify(said);
    const headers = { "content-length": Buffer.byteLength(body ?? "") };
    return JSON.parse((await site.send(said ? "POST" : "GET", "/__front", { body, headers })).body);
  };
  return Object.assign(site, {
    /** Stands still at point number `at` from now on; without it, only counts anew. */
    arm: (arm) => front({ arm }),
    /** The alarm of the ledger of this letter rings now. */
    ring: (letter) => front({ ring: { binding: "LEDGER", name: letter } }),
    /** The points that were passed, once nothing passes any more. */
    async passed() {
      let before = [];
      let still = 0;
      await until(async () => {
        const passed = await front();
        still = passed.length === before.length ? still + 1 : 0;
        before = passed;
        return still === 4;
      }, { every: 25 });
      return before;
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
const consented = async (site, options) => {
  const life = await met(site, options);
  await life.consent(life.people[0]);
  return life;
};
const rung = async (life, kind) => {
  await life.site.ring(life.id);
  await until(() => life.site.onDisk(life)?.events.some((event) => event.kind === kind) || life.site.edge.dead, { every: 10 });
};
const past = { about: { issued_at: now() - 3 * 86_400, not_after: now() - 2 * 86_400, retention_days: 1 }, tokenEnd: now() + 86_400 };

export const REQUESTS = {
  body: { before: async (site) => new Life(site, REPORT), ask: (life) => life.body() },
  parts: { before: async (site) => new Life(site, REPORT), ask: (life) => life.bodyInParts() },
  manifest: { before: async (site) => Object.assign(new Life(site, REPORT), {}), first: (life) => life.body(), ask: (life) => life.manifest() },
  open: { before: sealed, ask: (life) => life.meet() },
  consent: { before: met, ask: (life) => life.consent(life.people[0]) },
  refuse: { before: met, ask: (life) => life.sayNo("refuse") },
  withdraw: { before: consented, ask: (life) => life.sayNo("withdraw") },
  "one-click": { before: consented, ask: (life) => life.sayNo("one-click") },
  report: { before: consented, ask: (life) => life.report(life.people[0]) },
  "report, end to end": { before: (site) => consented(site, { endToEnd: true }), ask: (life) => life.report(life.people[0]) },
  cancel: { before: consented, ask: (life) => life.cancel() },
  show: { before: consented, ask: (life) => life.show() },
};

/** Makes a request of this kind once, and answers the points on its way. */
export async function pointsOf(site, { before, first, ask }) {
  const life = await before(site);
  await first?.(life);
  await site.passed();
  await site.arm();
  await ask(life);
  const points = await site.passed();
  life.verify(site.onDisk(life));
  return points;
}

/** Kills at point `at` of a request of this kind, starts again, asks again. Answers where it stood, if it came there. */
export async function killAt(site, { before, first, ask }, at, phase) {
  const life = await before(site);
  await first?.(life);
  await site.passed();
  await site.arm({ at, phase });
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
  await ask(life);
  life.verify(site.onDisk(life));
  return stood || undefined;
}
