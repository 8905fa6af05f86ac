// A letter that is re-issued: a new end, a new link, and every older link leads there.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { mintToken, newKeyring } from "./lib/seal.mjs";
import { startSite } from "./lib/site.mjs";

const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
const DAY = 86_400;
const now = () => Math.floor(Date.now() / 1000);
const REPORT = randomBytes(1_000);

const keyring = newKeyring({ active: 7 });
let site;
before(async () => (site = await startSite("reissue", { keyring })));
after(() => site?.stop());

const JSON_TYPE = { "content-type": "application/json" };
async function reissue(letter, fields = { not_after: now() + 30 * DAY }) {
  const answer = await site.api("POST", `${letter.letter}/reissue`, { body: JSON.stringify(fields), headers: JSON_TYPE });
  return { status: answer.status, ...JSON.parse(answer.body) };
}
const cancel = (letter) => site.api("POST", `${letter.letter}/cancel`, { headers: { "content-length": 0 } });
const over = { about: { issued_at: now() - 2 * DAY, not_after: now() - DAY } };

/** What makes a letter one that nobody can read: `{ letter, link }`, the link that its reader has. */
const WAYS = {
  expired: async (options) => {
    const letter = await site.put(REPORT, { ...over, ...options });
    return { letter, path: letter.path };
  },
  cancelled: async (options) => {
    const letter = await site.put(REPORT, options);
    await cancel(letter);
    return { letter, path: letter.path };
  },
  "open, by a link that is over": async (options) => {
    const letter = await site.put(REPORT, options);
    return { letter, path: `/${mintToken(keyring, letter.letter, now() - 60)}` };
  },
};

for (const [way, make] of Object.entries(WAYS)) {
  test(`${way}: shut, then open by the old link and the new one, for a consent anew`, async () => {
    const { letter, path } = await make();
    const before = await site.browser().get(path);
    assert.doesNotMatch(before.body.toString(), /name="agree"/);

    const end = now() + 30 * DAY;
    const answer = await reissue(letter, { not_after: end });
    assert.deepEqual([answer.status, answer.letter, answer.not_after, answer.changed], [200, letter.letter, end, true]);
    const token = mintToken(keyring, letter.letter, end);
    assert.equal(answer.link, `${site.url}/${token}`);
    assert.match(answer.message.text, new RegExp(token));
    assert.ok(answer.message.subject.includes("Inspection of your car"));

    for (const old of [path, answer.link.slice(site.url.length)]) {
      const person = site.browser();
      const asked = await person.get(old);
      const front = asked.headers.location ? await person.get(asked.headers.location) : asked;
      assert.match(front.body.toString(), /name="agree"/, "the envelope");
      await person.consent(`/${token}`);
      const report = await person.get(`/${token}/report`);
      assert.deepEqual(report.body, REPORT);
    }
    const kinds = await site.kinds(letter);
    assert.ok(kinds.includes("reissued"), kinds.join());
    assert.equal((await site.record(letter)).over, null);
  });
}

test("an old link leads on with what it asks for and its language, unless it never led to a letter that was re-issued", async () => {
  const letter = await site.put(REPORT, over);
  const old = letter.path;
  const shut = await site.get(old);
  assert.deepEqual([shut.status, shut.headers.location], [410, undefined]);
  const { link } = await reissue(letter);
  const fresh = link.slice(site.url.length);
  for (const [path, location] of [
    ["", fresh],
    ["?lang=nl", `${fresh}?lang=nl`],
    ["/report", `${fresh}/report`],
    ["/receipt?lang=de", `${old}?lang=de`],
  ]) {
    const answer = await site.get(old + path);
    assert.equal(answer.headers.location, location, path);
    assert.deepEqual([answer.status, answer.headers["cache-control"]], [location.startsWith(old) ? 303 : 302, "no-store"]);
  }
  const posted = await site.send("POST", `${old}/consent`, { body: "agree=yes", headers: { "content-type": "application/x-www-form-urlencoded" } });
  assert.deepEqual([posted.status, posted.headers.location], [303, fresh]);

  await cancel(letter);
  const closed = await site.get(old);
  assert.deepEqual([closed.status, closed.headers.location], [410, undefined], "what is cancelled leads nowhere");
});

test("an end-to-end letter is re-issued without its key, which the edge never had: the old link brings it along", async () => {
  const letter = await site.put(REPORT, { ...over, endToEnd: true });
  const answer = await reissue(letter);
  assert.equal(answer.status, 200);
  assert.equal(answer.message, null, "no message can have a link without its key");
  assert.ok(!answer.link.includes("#"));
  const mangled = await site.get(`${letter.path}%23${letter.fragment}`);
  assert.equal(mangled.headers.location, `${answer.link.slice(site.url.length)}#${letter.fragment}`, "a key that came in the path");
  const { headers } = await site.get(letter.path);
  assert.ok(!headers.location.includes("#"), "a browser keeps the fragment of a link whose answer names none");
});

test("the command line keeps the key of a link, and says so where the letter ends later anyway", async () => {
  const letter = await site.put(REPORT, { ...over, endToEnd: true });
  const env = { PATH: process.env.PATH, HOME: "/nonexistent", WAXSEAL_KEYS: JSON.stringify(keyring) };
  const run = async (...args) => JSON.parse((await promisify(execFile)(BIN, ["reissue", ...args, "--url", site.url, "--json"], { env })).stdout);
  const first = await run(`${site.url}${letter.path}#${letter.fragment}`, "--expires", "20d");
  site.remember(first.link);
  assert.deepEqual([first.changed, first.link.split("#")[1]], [true, letter.fragment]);
  const again = await run(letter.letter, "--expires", "2d");
  assert.deepEqual([again.changed, again.not_after, again.warnings.map(({ code }) => code)], [false, first.not_after, ["ends_later"]]);
  assert.equal(again.link, first.link.split("#")[0]);
});

test("what stands, stands", async () => {
  const letters = { refused: await site.put(REPORT), erased: await site.put(REPORT) };
  await site.browser().submit(letters.refused.path, "refuse");
  await site.api("POST", `${letters.erased.letter}/erase`, { headers: { "content-length": 0 } });
  for (const [state, letter] of Object.entries(letters)) {
    const answer = await reissue(letter);
    assert.deepEqual([answer.status, answer.code], [409, "not_reissued"], state);
    assert.ok(answer.detail.includes(state), answer.detail);
    assert.ok(!(await site.kinds(letter)).includes("reissued"));
  }
  const open = await site.put(REPORT);
  const same = await reissue(open, { not_after: open.manifest.not_after - 60 });
  assert.deepEqual([same.changed, same.not_after], [false, open.manifest.not_after], "never an earlier end");
  const again = await reissue(open, { not_after: open.manifest.not_after });
  assert.deepEqual([again.changed, again.link], [false, same.link]);
});

test("an end that is none, is past, or is more than a link can say is refused with what is expected", async () => {
  const letter = await site.put(REPORT);
  for (const fields of [{ not_after: now() - 1 }, { not_after: 2 ** 32 }, { not_after: -1 }, { not_after: "2030" }, { days: 0 }, { days: 30, not_after: now() + DAY }, { days: 30, end: 1 }, []]) {
    const { status, code } = await reissue(letter, fields);
    assert.deepEqual([status, code], [422, "letter_fields"], JSON.stringify(fields));
  }
  assert.equal((await reissue(letter, {})).status, 200, "thirty days, where nothing is said");
  const { status } = await reissue({ letter: "01890a5d-ac96-774b-bcce-b302099a8057" });
  assert.equal(status, 404);
});

test("the index and the feed hear of it", async () => {
  const letter = await site.put(REPORT, over);
  await site.get(letter.path);
  const { not_after } = await reissue(letter);
  await told(letter, "reissued");
  let rows;
  for (let after = ""; !rows; ) {
    const page = JSON.parse((await site.send("GET", `/api/v1/letters?limit=1000${after}`, { headers: { authorization: `Bearer ${site.apiKey}` } })).body);
    rows = page.letters.find((row) => row.letter === letter.letter);
    after = `&after=${page.next}`;
  }
  assert.equal(rows.state, "sealed");
  assert.ok(Math.abs(rows.due - (not_after - 3 * DAY) * 1000) < 1000, "the next is that the end is near");
});

/** Waits until the feed tells one of these kinds of this letter. */
async function told(letter, kind) {
  for (let after = 0; ; ) {
    const answer = await site.send("GET", `/api/v1/events?after=${after}&wait=15`, { headers: { authorization: `Bearer ${site.apiKey}` } });
    const page = JSON.parse(answer.body);
    assert.ok(page.entries.length > 0, `${kind} comes`);
    after = page.next;
    if (page.entries.some((entry) => entry.letter === letter.letter && entry.events.some((event) => event.kind === kind))) return;
  }
}

test("an end that is near is told once by the clock alone, three days before it, and not of a letter that was refused", async () => {
  const about = { not_after: now() + 3 * DAY + 3 };
  const [open, refused] = [await site.put(REPORT, { about }), await site.put(REPORT, { about })];
  await site.get(open.path);
  await site.browser().submit(refused.path, "refuse");
  await told(open, "ends_soon");
  assert.deepEqual((await site.kinds(open)).filter((kind) => kind === "ends_soon").length, 1);
  const { events } = await site.record(open);
  assert.ok(events.at(-1).at >= (about.not_after - 3 * DAY) * 1000);
  assert.ok(!(await site.kinds(refused)).includes("ends_soon"));
});
