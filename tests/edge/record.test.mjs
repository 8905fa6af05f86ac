// What is on record of a letter: each fact by itself, what was shown and what was sent, and by what way a no came.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { LANGUAGES } from "./lib/languages.mjs";
import { startSite, until } from "./lib/site.mjs";

/** A text of the pages, as it stands in the language's file. */
function text(lang, section, key) {
  const [, rest] = readFileSync(join(ROOT, "locales", `${lang}.toml`), "utf8").split(`\n[${section}]\n`);
  return new RegExp(`^${key} = "(.*)"$`, "m").exec(rest)[1];
}

const REPORT = randomBytes(300_000);

let site;
before(async () => (site = await startSite("record")));
after(() => site?.stop());

const eventsOf = async (letter, kind) => (await site.record(letter)).events.filter((event) => event.kind === kind);

/** Waits until so many are on record: how an answer ended is told after it. */
const recorded = (letter, kind, count) =>
  until(async () => {
    const events = await eventsOf(letter, kind);
    return events.length >= count && events;
  });

test("the terms that were shown, in which language, are on record before any consent", async () => {
  const letter = await site.put(REPORT);
  const person = site.browser();
  const dutch = await person.json(`${letter.path}?lang=nl`);
  await person.json(`${letter.path}?lang=nl`);
  const german = await site.browser().json(letter.path, { "accept-language": "de" });
  const shown = await eventsOf(letter, "notice_shown");
  assert.deepEqual(
    shown.map((event) => [event.terms, event.details.language]),
    [[dutch.terms.sha256, "nl"], [german.terms.sha256, "de"]],
  );
  const given = await person.consent(`${letter.path}?lang=nl`);
  assert.equal(given.status, 303);
  const record = await site.record(letter);
  const consent = record.events.find((event) => event.kind === "consent_given");
  assert.equal(consent.terms, dutch.terms.sha256);
  assert.equal(consent.details.language, "nl");
  assert.ok(shown[0].seq < consent.seq);
});

test("what a browser or a scanner fetches ahead is told apart from what a person opens, with the signs", async () => {
  const ahead = [{ "sec-purpose": "prefetch;prerender" }, { purpose: "prefetch" }, { "x-moz": "prefetch" }, { "user-agent": "curl/8.5.0" }, { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" }];
  const signs = ["prefetch", "prefetch", "prefetch", "program_agent", "not_navigation"];
  for (const [nth, headers] of ahead.entries()) {
    const letter = await site.put(REPORT);
    assert.equal((await site.browser().get(letter.path, headers)).status, 200);
    const { state, events } = await site.record(letter);
    assert.deepEqual([state, events.map(({ kind, actor }) => [kind, actor])], ["sealed", [["sealed", "sender"], ["fetched", "robot"]]]);
    assert.ok(events[1].details.robot.split(" ").includes(signs[nth]), events[1].details.robot);
    await site.browser().get(letter.path);
    assert.deepEqual((await site.record(letter)).events.slice(2).map(({ kind, actor }) => [kind, actor]), [["opened", "recipient"], ["notice_shown", "recipient"]]);
  }
});

test("HEAD shows nothing, and a letter that is read shows no terms", async () => {
  const letter = await site.put(REPORT);
  await site.browser().send("HEAD", letter.path);
  assert.deepEqual(await site.kinds(letter), ["sealed", "fetched"]);
  const person = site.browser();
  await person.consent(letter.path);
  const before = await site.kinds(letter);
  await person.get(letter.path);
  await person.get(`${letter.path}?lang=fr`);
  assert.deepEqual(await site.kinds(letter), before);
});

for (const endToEnd of [false, true]) {
  const mode = endToEnd ? "end-to-end" : "edge-opened";
  test(`${mode}: that sending begins is on record before it does, and how it ended after it`, async () => {
    const letter = await site.put(REPORT, { endToEnd });
    const person = site.browser();
    await person.consent(letter.path);
    assert.equal((await person.send("HEAD", `${letter.path}/report`)).status, 200);
    assert.deepEqual(await eventsOf(letter, "report_streamed"), []);
    const answer = await person.get(`${letter.path}/report`);
    const length = answer.body.length;
    assert.equal(length, endToEnd ? letter.objects.body.length : REPORT.length);
    const [begun, ended] = await recorded(letter, "report_streamed", 2);
    assert.deepEqual([begun.details.bytes, begun.details.complete], [0, false]);
    assert.deepEqual([ended.details.bytes, ended.details.complete], [length, true]);
  });

  test(`${mode}: a part is not the whole report`, async () => {
    const letter = await site.put(REPORT, { endToEnd });
    const person = site.browser();
    await person.consent(letter.path);
    const answer = await person.get(`${letter.path}/report`, { range: "bytes=100000-199999" });
    assert.deepEqual([answer.status, answer.body.length], [206, 100_000]);
    const [, ended] = await recorded(letter, "report_streamed", 2);
    assert.deepEqual([ended.details.bytes, ended.details.complete], [100_000, false]);
  });
}

test("a withdrawal that the sender passes on is as good as the button, and says how it came", async () => {
  const letter = await site.put(REPORT);
  const person = site.browser();
  await person.consent(letter.path);
  const passOn = async () => {
    const answer = await site.api("POST", `${letter.letter}/withdraw`);
    assert.equal(answer.status, 200);
    return JSON.parse(answer.body);
  };
  assert.deepEqual(await passOn(), { changed: true, letter: letter.letter, state: "withdrawn" });
  assert.deepEqual(await passOn(), { changed: false, letter: letter.letter, state: "withdrawn" });
  assert.equal((await person.json(letter.path)).closed, "withdrawn");
  assert.notEqual((await person.get(`${letter.path}/report`)).status, 200);
  const [withdrawn] = await eventsOf(letter, "consent_withdrawn");
  assert.equal(withdrawn.actor, "sender-for-recipient");
  // Nobody had opened it, and no page says that its reader did what the sender did.
  const unopened = await site.put(REPORT);
  assert.equal((await site.api("POST", `${unopened.letter}/withdraw`)).status, 200);
  const told = await site.record(unopened);
  assert.deepEqual(told.events.map(({ kind, actor }) => [kind, actor]), [["sealed", "sender"], ["consent_refused", "sender-for-recipient"]]);
  for (const lang of LANGUAGES) {
    for (const path of ["", "/receipt"]) {
      const page = (await site.browser().get(`${unopened.path}${path}?lang=${lang}`)).body.toString();
      assert.ok(page.includes(text(lang, "acts", "no_sender").replace("{sender}", "Garage Vermeer")), `${lang} ${path}`);
      for (const key of ["refused_title", "refused_text"]) assert.ok(!page.includes(text(lang, "closed", key).split("{")[0]), `${lang} ${path} ${key}`);
    }
  }

  const unread = await site.put(REPORT);
  assert.equal(JSON.parse((await site.api("POST", `${unread.letter}/withdraw`)).body).state, "refused");
  const stranger = await site.send("POST", `/api/v1/letters/${unread.letter}/withdraw`);
  assert.equal(stranger.status, 404);
});

test("a form that was doubted once is doubted again, whoever sends it and however late", async () => {
  const letter = await site.put(REPORT);
  const person = site.browser();
  const { nonce, terms } = await person.json(letter.path);
  const fields = { nonce, terms: terms.sha256, agree: "yes" };
  const script = { "user-agent": "python-requests/2.32.3", accept: "*/*" };
  const doubted = await site.browser(script).post(`${letter.path}/consent`, fields);
  assert.equal(doubted.status, 422);
  const again = await person.post(`${letter.path}/consent`, fields, { headers: { "sec-fetch-site": "same-origin" } });
  assert.deepEqual([again.status, again.headers["set-cookie"]], [422, undefined]);
  assert.ok(!(await site.kinds(letter)).includes("consent_given"));
  // Another form of the same letter is as good as any.
  await site.browser().consent(letter.path);
});

test("what was erased does not come back by being uploaded again", async () => {
  const letter = await site.put(REPORT);
  await site.browser().get(letter.path);
  assert.equal((await site.api("POST", `${letter.letter}/erase`)).status, 200);
  assert.equal((await site.api("PUT", `${letter.letter}/body`, { body: letter.objects.body })).status, 201);
  const manifest = await site.api("PUT", `${letter.letter}/manifest`, { body: letter.objects.manifest });
  assert.deepEqual([manifest.status, JSON.parse(manifest.body).code], [410, "erased"]);
  assert.equal((await site.browser().json(letter.path)).closed, "erased");
  // Nor is its body kept.
  const other = await site.api("PUT", `${letter.letter}/manifest`, { body: letter.objects.manifest });
  assert.equal(other.status, 410);
});
