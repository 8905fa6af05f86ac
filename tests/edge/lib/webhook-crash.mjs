// Kills the edge while it tells a receiver of letters: at a named point of that, then starts it again. What the receiver got, in the end,
// is each event of each letter, in the order of its chain, under the one id that it has, and never a later one before an earlier.

import assert from "node:assert/strict";
import { ledgerOnDisk } from "./chain.mjs";
import { consented, killAt, startCrashing } from "./crash.mjs";
import { NoAnswer } from "./oracle.mjs";
import { startReceiver, webhooks } from "./receiver.mjs";
import { until } from "./site.mjs";

const uuid = (bytes) => Buffer.from(bytes).toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");

/** Points on the way from the index to a receiver. */
export const ON_THE_WAY = /^Webhook\.|\.WEBHOOK\.|^Index\.(alarm|sql|transactionSync|setAlarm)$|^Index\.answer$|^fetch$|^stream\./;

/** A site with a receiver, which answers well, or as `behave` says. */
export async function startTelling(name) {
  const [site, receiver] = [await startCrashing(name), await startReceiver()];
  await webhooks(site).make(receiver);
  const ids = (letter) => (ledgerOnDisk(site.state, letter)?.events ?? []).map(({ id }) => uuid(id));
  const { stop } = site;
  return Object.assign(site, {
    receiver,
    /** Waits until every event of the letter that is on disk has come; only the disk is watched. */
    async told(letter) {
      const { edge } = site;
      const all = () => ids(letter).every((id) => receiver.arrived(letter).includes(id));
      const end = await until(() => (all() ? "told" : !edge.alive() && "died"), { every: 10, within: 60_000 });
      if (end === "died") throw new NoAnswer("died");
    },
    /** What came of a letter, held against its ledger. */
    judge(letter) {
      const recorded = ids(letter);
      const came = receiver.of(letter).map(({ id, seq }) => [id, seq]);
      const wrong = () => `letter ${letter}: ${JSON.stringify(came)} of ${JSON.stringify(recorded)}`;
      assert.ok(came.every(([id, seq]) => recorded[seq - 1] === id), `one id for each event: ${wrong()}`);
      assert.ok(came.every(([, seq], at) => at === 0 || (seq >= came[at - 1][1] && seq <= came[at - 1][1] + 1)), `in order: ${wrong()}`);
      assert.deepEqual([...new Set(receiver.arrived(letter))], recorded, `nothing is lost: ${wrong()}`);
      return came.length - recorded.length;
    },
    async stop() {
      await stop();
      await receiver.stop();
    },
  });
}

/** Something happens to a letter, and the receiver is told. */
export const TELL = {
  before: async (site) => {
    const life = await consented(site);
    await site.told(life.id);
    return life;
  },
  ask: async (life) => {
    await life.cancel();
    await life.site.told(life.id);
  },
};

/** Dies at this point while it tells, and starts again: where it stood, and how many messages came twice. */
export async function tellAndDie(site, point) {
  let letter;
  const request = {
    ...TELL,
    before: async (at) => {
      const life = await TELL.before(at);
      letter = life.id;
      return life;
    },
  };
  const stood = await killAt(site, request, point);
  return { stood, twice: site.judge(letter) };
}
