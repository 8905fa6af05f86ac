// Suspected robots on the real runtime: what is asked, what is recorded, what a guess is worth, and that honest header sets
// open the letter in one step.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { FRONT } from "./lib/front.mjs";
import { AGENT, consentIn, fieldsOf, startSite } from "./lib/site.mjs";

const REPORT = randomBytes(3_000);
const sets = (name) => JSON.parse(readFileSync(new URL(`../robots/headers/${name}.json`, import.meta.url), "utf8")).sets;
const PEOPLE = sets("people");
const SCANNERS = sets("scanners");
const CHROME = PEOPLE.find((set) => set.name === "Chromium, desktop, mouse").headers;
const MACHINE = 120; // milliseconds from page to post
const PERSON = 8_000;

let site;
before(async () => (site = await startSite("robots", { wrap: FRONT })));
after(() => site?.stop());

/** Time that a question takes no answer; real, because the answer hangs on it. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 2_100));

const put = (more = {}) => site.put(REPORT, more);

/** A browser that posts with these headers. The origin of the table stands for ours. */
function client({ headers, system }) {
  const own = { ...headers, ...(headers.origin?.startsWith("https://") && { origin: site.url }) };
  if (!own["user-agent"]) own["user-agent"] = "";
  return site.browser(own, system ? { asn: system } : {});
}

/** The envelope as anybody gets it, posted with the headers of a set. */
async function post(set, letter, after) {
  const reader = client(set);
  const envelope = await site.browser().get(letter.path);
  const { action, fields } = fieldsOf(envelope.body.toString(), "consent");
  site.remember(fields.nonce);
  // The envelope as anybody gets it, with its cookie: robots that are stopped there post all the same.
  reader.keep(envelope);
  const { "content-type": type } = set.headers;
  return reader.post(action, { ...fields, agree: "yes" }, { headers: { "content-type": type }, after });
}

/** What is asked: the form's fields, the six words, and which the sentence names. */
function question(answer) {
  const html = answer.body.toString();
  const form = fieldsOf(html, "confirm");
  site.remember(form.fields.nonce);
  const sentence = /<legend>([^<]*)<\/legend>/.exec(html)[1];
  const words = [...html.matchAll(/name="choice" value="(\d)" required(?: autofocus)?><span>([^<]*)<\/span>/g)].map(([, value, word]) => ({ value, word }));
  const right = words.filter(({ word }) => sentence.includes(word));
  assert.equal(words.length, 6);
  assert.equal(right.length, 1, sentence);
  return { ...form, sentence, words, right: right[0].value, wrong: words.find(({ value }) => value !== right[0].value).value };
}

const isQuestion = (answer) => answer.status === 422 && answer.body.includes('<fieldset class="words"');

/** Answers quicker than anybody reads, and is asked. */
async function asked(letter, person = site.browser(CHROME)) {
  const answer = await person.submit(letter.path, "consent", { change: { agree: "yes" }, after: MACHINE });
  assert.ok(isQuestion(answer), `${answer.status}`);
  return { person, ...question(answer) };
}

describe("header sets", () => {
  test("people open the letter in one step, and nothing is said against them", async () => {
    for (const set of PEOPLE) {
      const letter = await put();
      const answer = await post(set, letter, PERSON);
      assert.equal(answer.status, 303, `${set.name}: ${answer.status}`);
      const { events } = await site.record(letter);
      const consent = events.at(-1);
      assert.equal(consent.kind, "consent_given", set.name);
      assert.deepEqual([consent.details.suspicion, consent.details.confirmed, consent.details.robot], [undefined, undefined, undefined], set.name);
      assert.ok(!events.some(({ kind }) => kind === "robot_suspected"), set.name);
    }
  });

  test("robots at machine speed open nothing, are asked or silenced, and are on record", async () => {
    for (const set of SCANNERS) {
      const letter = await put();
      const answer = await post(set, letter, MACHINE);
      const kinds = await site.kinds(letter);
      assert.equal(answer.headers["set-cookie"], undefined, set.name);
      assert.ok(!kinds.includes("consent_given"), set.name);
      // Previews and crawlers do not even come as far as the form.
      const stopped = answer.status === 404 || (answer.status === 200 && !answer.body.includes("<form"));
      if (stopped) continue;
      assert.ok(isQuestion(answer), `${set.name}: ${answer.status}`);
      assert.equal(kinds.at(-1), "robot_suspected", set.name);
    }
  });
});

describe("the question", () => {
  test("is asked of too quick an answer; the right word opens the letter, and the record says how", async () => {
    const letter = await put();
    const { person, action, fields, right, sentence } = await asked(letter);
    assert.match(sentence, /^Kies het woord “\w+”\.$/);
    assert.equal((await person.get(`${letter.path}/report`)).status, 403, "the letter is shut");
    await pause();
    const yes = await person.post(action, { ...fields, choice: right });
    assert.equal(yes.status, 303, yes.body.toString());
    const opened = await person.get(`${letter.path}/report`);
    assert.ok(opened.body.equals(letter.plaintext));
    const { events } = await site.record(letter);
    const suspected = events.find(({ kind }) => kind === "robot_suspected");
    const consent = events.find(({ kind }) => kind === "consent_given");
    assert.equal(suspected.details.robot, "too_quick");
    assert.equal(suspected.details.suspicion, 100);
    assert.equal(suspected.terms, consent.terms);
    assert.equal(consent.details.confirmed, "word, question 1");
    assert.equal(consent.details.suspicion, 100);
    assert.equal(consent.details.robot, undefined);
  });

  test("no field tells the word: places and values are the same whichever is right", async () => {
    const seen = new Set();
    for (let round = 0; round < 12; round += 1) {
      const { words, right, fields } = await asked(await put());
      assert.deepEqual(words.map(({ value }) => value), ["0", "1", "2", "3", "4", "5"]);
      assert.deepEqual(Object.keys(fields), ["nonce"]);
      seen.add(right);
    }
    assert.ok(seen.size > 1, "it is not always the same place");
  });

  test("a wrong word is recorded and gives a new question; one question takes one answer", async () => {
    const letter = await put();
    const first = await asked(letter);
    await pause();
    const no = await first.person.post(first.action, { ...first.fields, choice: first.wrong });
    assert.ok(isQuestion(no));
    assert.match(no.body.toString(), /id="confirm-error" role="alert"/);
    const again = await first.person.post(first.action, { ...first.fields, choice: first.right });
    assert.ok(isQuestion(again), "the first question is used up");
    assert.equal(again.headers["set-cookie"], undefined);
    const second = question(again);
    assert.notEqual(second.fields.nonce, first.fields.nonce);
    await pause();
    assert.equal((await first.person.post(second.action, { ...second.fields, choice: second.right })).status, 303);
    const { events } = await site.record(letter);
    assert.deepEqual(events.map(({ kind, details }) => [kind, details?.robot, details?.confirmed]).slice(-4), [
      ["robot_suspected", "too_quick", undefined], ["robot_suspected", "wrong_answer", undefined],
      // Right, but of a used question: as good as none.
      ["robot_suspected", "used_question", undefined], ["consent_given", undefined, "word, question 2"],
    ]);
  });

  test("an answer that another site planted is none, also where a browser says no more than that", async () => {
    const letter = await put();
    // From before Fetch Metadata.
    const { action, fields, right, person } = await asked(letter, site.browser({ "accept-language": "nl" }));
    await pause();
    const planted = await person.post(action, { ...fields, choice: right }, { headers: { origin: "https://evil.example" } });
    assert.deepEqual([planted.status, isQuestion(planted), consentIn(planted)], [422, false, undefined]);
    assert.ok(!(await site.kinds(letter)).includes("consent_given"));
    const own = await person.post(action, { ...fields, choice: right }, { headers: { origin: site.url } });
    assert.equal(own.status, 303);
  });

  test("an answer that somebody else read, sent in this person's browser by a page that hides where it is, is asked once more", async () => {
    const letter = await put();
    const { action, fields, right } = await asked(letter, site.browser({ "accept-language": "nl" }));
    await pause();
    const person = site.browser({ "accept-language": "nl", origin: "null" });
    await person.get(letter.path);
    const planted = await person.post(action, { ...fields, choice: right });
    assert.deepEqual([isQuestion(planted), consentIn(planted)], [true, undefined]);
    assert.ok(!(await site.kinds(letter)).includes("consent_given"));
    assert.equal((await site.record(letter)).events.at(-1).details.robot, "unbound_form");
    // The question that it leads to is this browser's own.
    const own = question(planted);
    await pause();
    assert.equal((await person.post(own.action, { ...own.fields, choice: own.right })).status, 303);
  });

  test("the form that was doubted is doubted again, however long it waits and whatever sends it", async () => {
    const letter = await put();
    const person = site.browser(CHROME);
    const page = await person.get(letter.path);
    const form = fieldsOf(page.body.toString(), "consent");
    site.remember(form.fields.nonce);
    const send = (who, after) => who.post(form.action, { ...form.fields, agree: "yes" }, { after });
    assert.ok(isQuestion(await send(person, 0)), "too quick");
    for (const [who, after] of [[person, PERSON], [person, 600_000], [site.browser(CHROME), PERSON]]) {
      const again = await send(who, after);
      assert.deepEqual([isQuestion(again), consentIn(again)], [true, undefined]);
    }
    assert.ok(!(await site.kinds(letter)).includes("consent_given"));
    await person.consent(letter.path);
  });

  test("whoever posts every word at once has one guess; three wrong ones and nobody is asked for a while", async () => {
    const letter = await put();
    const { action, fields, words, right, wrong } = await asked(letter);
    await pause();
    const tries = words.filter(({ value }) => value !== right);
    for (const { value } of tries) await site.browser(CHROME).post(action, { ...fields, choice: value });
    const used = await site.browser(CHROME).post(action, { ...fields, choice: right });
    assert.equal(consentIn(used), undefined);
    assert.ok(isQuestion(used), "one question, one wrong answer");
    let next = question(used);
    await pause();
    for (let left = 2; left > 0; left -= 1) {
      const answer = await site.browser(CHROME).post(next.action, { ...next.fields, choice: next.wrong });
      if (left > 1) {
        next = question(answer);
        await pause();
      } else {
        assert.equal(answer.status, 429);
        assert.ok(Number(answer.headers["retry-after"]) > 3_000);
      }
    }
    assert.equal((await site.browser(CHROME).submit(letter.path, "consent", { change: { agree: "yes" }, after: MACHINE })).status, 429);
    assert.ok(!(await site.kinds(letter)).includes("consent_given"));
    // A person who is not suspected is not held up.
    await site.browser(CHROME).consent(letter.path);
    assert.notEqual(wrong, right);
  });

  test("too early, nothing chosen, forged, of another letter, from another site: nothing is consented", async () => {
    const [letter, other] = [await put(), await put()];
    const { person, action, fields, right } = await asked(letter);
    const early = await person.post(action, { ...fields, choice: right });
    assert.ok(isQuestion(early));
    const nothing = await person.post(action, fields);
    assert.ok(isQuestion(nothing));
    await pause();
    assert.equal((await person.post(action, { ...fields, nonce: `${fields.nonce.slice(0, -1)}${fields.nonce.endsWith("A") ? "Q" : "A"}`, choice: right })).status, 400);
    assert.equal((await person.post(action.replace(letter.token, other.token), { ...fields, choice: right })).status, 400);
    assert.equal((await person.post(action, { choice: right })).status, 400);
    const planted = await person.post(action, { ...fields, choice: right }, { headers: { "sec-fetch-site": "cross-site" } });
    assert.equal(planted.status, 422);
    for (const one of [letter, other]) assert.ok(!(await site.kinds(one)).includes("consent_given"));
    const { events } = await site.record(letter);
    const signs = events.filter(({ kind }) => kind === "robot_suspected").map(({ details }) => details.robot);
    assert.deepEqual(signs, ["too_quick", "early_answer", "no_answer"]);
    assert.equal((await person.post(action, { ...fields, choice: right })).status, 303, "and the honest answer still counts");
  });

  test("speaks the reader's language, and its answer does too", async () => {
    const letter = await put();
    for (const [lang, start] of [["nl", "Kies het woord"], ["fr", "Choisissez le mot"], ["de", "Bitte wählen Sie das Wort"]]) {
      const person = site.browser({ ...CHROME, "accept-language": lang });
      const { sentence, action } = await asked(letter, person);
      assert.ok(sentence.startsWith(start), sentence);
      assert.match(action, new RegExp(`lang=${lang}$`));
    }
  });
});

describe("command lines", () => {
  const json = { accept: "application/json", "user-agent": "waxseal/0.1.0" };

  test("one that says so opens in one step, and is on record as one", async () => {
    const letter = await put();
    const person = site.browser(json);
    const { nonce, terms } = await person.json(letter.path);
    const yes = await person.post(`${letter.path}/consent`, { nonce, terms: terms.sha256, agree: "yes" }, { after: 0 });
    assert.equal(yes.status, 303);
    assert.equal((await site.record(letter)).events.at(-1).details.robot, "program");
  });

  test("one in a scanner's network gets the question as JSON, and its answer counts", async () => {
    const letter = await put();
    const person = site.browser(json, { asn: 22_843 });
    const { nonce, terms } = await person.json(letter.path);
    const answer = await person.post(`${letter.path}/consent`, { nonce, terms: terms.sha256, agree: "yes" }, { after: 0 });
    assert.equal(answer.status, 422);
    const { error, confirm } = JSON.parse(answer.body);
    assert.equal(error.code, "confirm");
    assert.equal(confirm.choices.length, 6);
    const choice = confirm.choices.findIndex((word) => confirm.question.includes(word));
    site.remember(confirm.nonce);
    await pause();
    const yes = await person.post(`${letter.path}/confirm`, { nonce: confirm.nonce, choice });
    assert.equal(yes.status, 303, yes.body.toString());
    assert.deepEqual((await site.kinds(letter)).slice(-3), ["robot_suspected", "notice_shown", "consent_given"]);
  });
});

describe("a no", () => {
  const headless = SCANNERS.find((set) => set.name === "Headless Chromium that clicks");

  test("of a person is heard in one step", async () => {
    for (const set of PEOPLE) {
      const letter = await put();
      const answer = await client(set).submit(letter.path, "refuse", { after: PERSON });
      assert.equal(answer.status, 303, set.name);
      assert.equal((await site.kinds(letter)).at(-1), "consent_refused", set.name);
    }
  });

  test("of a robot is asked about once more, on the envelope and on the letter, and the right word closes it", async () => {
    for (const consented of [false, true]) {
      const letter = await put();
      const robot = client(headless);
      if (consented) {
        const { headers } = PEOPLE.find((set) => set.name === "Chromium, desktop, mouse");
        const person = site.browser(headers);
        await person.consent(letter.path);
        robot.keep({ headers: { "set-cookie": person.cookie().split("; ") } });
      }
      const answer = await robot.submit(letter.path, consented ? "withdraw" : "refuse", { after: PERSON });
      assert.ok(isQuestion(answer), `${answer.status}`);
      assert.doesNotMatch(answer.body.toString(), /action="[^"]*\/(consent|refuse)/);
      assert.equal((await site.kinds(letter)).at(-1), "robot_suspected");
      const first = question(answer);
      await pause();
      const wrong = await robot.post(first.action, { ...first.fields, choice: first.wrong });
      assert.ok(isQuestion(wrong));
      assert.ok(isQuestion(await robot.post(first.action, { ...first.fields, choice: first.right })), "one question, one answer");
      const second = question(wrong);
      await pause();
      assert.equal((await robot.post(second.action, { ...second.fields, choice: second.right })).status, 303);
      assert.equal((await site.kinds(letter)).at(-1), consented ? "consent_withdrawn" : "consent_refused");
    }
  });

  test("is heard of a suspect also while nobody may answer whether he consents", async () => {
    const letter = await put();
    const { action, fields, wrong } = await asked(letter);
    await pause();
    let next = { action, fields, wrong };
    for (let left = 3; left > 0; left -= 1) {
      const answer = await site.browser(CHROME).post(next.action, { ...next.fields, choice: next.wrong });
      if (left > 1) {
        next = question(answer);
        await pause();
      } else assert.equal(answer.status, 429);
    }
    const person = site.browser(CHROME);
    const no = await person.submit(letter.path, "refuse", { after: MACHINE });
    assert.ok(isQuestion(no));
    const own = question(no);
    await pause();
    assert.equal((await person.post(own.action, { ...own.fields, choice: own.right })).status, 303);
    assert.equal((await site.kinds(letter)).at(-1), "consent_refused");
    assert.ok(AGENT.startsWith("Mozilla/"));
  });
});

describe("programs", () => {
  const json = { accept: "application/json", "user-agent": "waxseal/0.1.0" };

  test("use up their own allowance, and nobody else's", async () => {
    const letter = await put();
    const consent = async () => {
      const program = site.browser(json);
      const { nonce, terms } = await program.json(letter.path);
      return program.post(`${letter.path}/consent`, { nonce, terms: terms.sha256, agree: "yes" }, { after: 0 });
    };
    for (let left = 10; left > 0; left -= 1) assert.equal((await consent()).status, 303);
    const over = await consent();
    assert.deepEqual([over.status, JSON.parse(over.body).error.code, over.headers["retry-after"]], [429, "program_limit", "3600"]);
    const person = site.browser(CHROME);
    await person.consent(letter.path);
    assert.equal((await person.get(`${letter.path}/report`)).status, 200);
  });
});
