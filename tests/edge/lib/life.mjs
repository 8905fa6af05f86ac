// A site whose clock, bucket and sweep a test has in its hands.

import assert from "node:assert/strict";
import { ledgerOnDisk, verifyChain } from "./chain.mjs";
import { startGuarded } from "./guard.mjs";
import { seal } from "./seal.mjs";
import { until } from "./site.mjs";

export const DAY = 86_400_000;

/** As `startGuarded`, and: */
export async function startLife(name, options = {}) {
  const site = await startGuarded(name, options);
  const key = (path) => `/__front/bucket/${path.split("/").map(encodeURIComponent).join("/")}`;
  const api = async (method) => {
    const answer = await site.send(method, "/api/v1/sweep", { headers: { authorization: `Bearer ${site.apiKey}`, "content-length": 0 } });
    return { status: answer.status, ...JSON.parse(answer.body) };
  };

  return Object.assign(site, {
    bucket: {
      put: async (path, value) => assert.equal((await site.send("PUT", key(path), { body: value })).status, 200),
      delete: async (path) => assert.equal((await site.send("DELETE", key(path), { headers: { "content-length": 0 } })).status, 200),
      /** Bytes, or undefined. */
      get: async (path) => {
        const answer = await site.get(key(path));
        return answer.status === 404 ? undefined : answer.body;
      },
      names: async (prefix = "letters/") => JSON.parse((await site.get(`/__front/bucket/?prefix=${prefix}`)).body),
      /** Which objects of a letter there are. */
      of: async (letter) => (await site.bucket.names(`letters/${letter.letter}/`)).map((name) => name.split("/").at(-1)),
    },

    /** Puts a letter straight into the bucket, as S3 would. `only`: which of its objects. */
    async drop(plaintext, { only = ["body", "manifest"], ...options } = {}) {
      const letter = seal(site.keyring, plaintext, options);
      site.remember(letter.token, letter.fragment);
      for (const part of only) await site.bucket.put(`letters/${letter.letter}/${part}`, letter.objects[part]);
      return letter;
    },

    /** What the API says of the sweep. */
    swept: () => api("GET"),
    /** Sweeps from one end to the other, and answers the figures. */
    async sweep(within) {
      const begun = await api("POST");
      assert.equal(begun.status, 202);
      return site.sweepEnded(begun.run, within);
    },
    sweepEnded: (run, within = 120_000) =>
      until(async () => {
        const status = await site.swept();
        return status.run >= run && status.state === "done" && status;
      }, { every: 50, within }),

    /** From now on it is so much later, for alarms too; 0: the real time again. */
    later: (millis) => site.front({ clock: millis === 0 ? null : Date.now() + millis }),

    /** The kinds of events on disk, the chain verified, without asking the ledger. */
    onDisk: (letter) => {
      const found = ledgerOnDisk(site.state, letter.letter);
      return found && verifyChain(letter.letter, found);
    },
    /** Waits until everybody has heard of all that the ledger has recorded. */
    reported: (letter) => until(() => ledgerOnDisk(site.state, letter.letter)?.waiting.length === 0, { within: 30_000 }),
    /** Waits until the ledger has recorded `kind`, looking at its store alone. */
    recorded: (letter, kind) => until(() => ledgerOnDisk(site.state, letter.letter)?.events.some((event) => event.kind === kind), { within: 30_000 }),
  });
}

/** The figures of a sweep that are not 0, without what is always there. */
export function figures(status) {
  const told = ["taken_on", "rung", "orphans", "deleted", "damaged", "vanished", "foreign", "failed"];
  return Object.fromEntries(told.filter((name) => status[name] > 0).map((name) => [name, status[name]]));
}
