// The end of a letter, and links that were damaged on the way.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { ledgerOnDisk, verifyChain } from "./lib/chain.mjs";
import { multipart, urlencoded } from "./lib/http.mjs";
import { mintToken, newKeyring } from "./lib/seal.mjs";
import { SILENT } from "./lib/silent.mjs";
import { startSite, until } from "./lib/site.mjs";

const REPORT = randomBytes(500);
const now = () => Math.floor(Date.now() / 1000);
const oneClick = { "List-Unsubscribe": "One-Click" };

const keyring = newKeyring({ active: 7, retired: [{ id: 5, not_after: now() + 3_600 }] });
let site;
before(async () => (site = await startSite("life", { keyring })));
after(() => site?.stop());

describe("expiry", () => {
  test("the alarm marks the end to the second, and that nobody answered", async () => {
    const [ignored, answered] = [await site.put(REPORT, { lives: 3 }), await site.put(REPORT, { lives: 3 })];
    assert.equal((await site.browser().get(ignored.path)).status, 200);
    const person = site.browser();
    await person.consent(answered.path);
    assert.equal((await person.get(`${answered.path}/report`)).status, 200);
    // Only the store is watched: nothing is asked that could make the ledger notice by itself.
    const ended = (letter) => until(() => ledgerOnDisk(site.state, letter.letter)?.events.some(({ kind }) => kind === "expired"));
    await Promise.all([ended(ignored), ended(answered)]);
    const kinds = (letter) => verifyChain(letter.letter, ledgerOnDisk(site.state, letter.letter));
    assert.deepEqual(kinds(ignored), ["sealed", "opened", "notice_shown", "expired", "ignored"]);
    assert.deepEqual(kinds(answered), ["sealed", "opened", "notice_shown", "consent_given", "report_streamed", "report_streamed", "expired"]);
    for (const letter of [ignored, answered]) {
      const { events } = ledgerOnDisk(site.state, letter.letter);
      const at = events.find(({ kind }) => kind === "expired").at;
      assert.ok(at >= letter.manifest.not_after * 1000, "not a millisecond early");
    }
    // The cookie that was good is not any more.
    const late = await person.get(`${answered.path}/report`);
    assert.equal(late.status, 410);
    assert.ok(!late.body.includes(REPORT.subarray(0, 16)));
  });

  test("at the very second the link ends it is over: open before, closed from then on", async () => {
    const end = now() + 2;
    const letter = await site.put(REPORT, { tokenEnd: end });
    let closedAt;
    let openAt;
    await until(async () => {
      const before = Date.now();
      const answer = await site.get(letter.path, { accept: "application/json" });
      const state = JSON.parse(answer.body).state;
      if (state === "closed") closedAt = Date.now();
      else openAt = before;
      return closedAt;
    }, { every: 5 });
    assert.ok(openAt < end * 1000, "not open when the request was sent at or after the end");
    assert.ok(closedAt >= end * 1000, "not closed before the end");
  });

  test("an expired link says until when it could be opened, and the attempt is on record", async () => {
    const letter = await site.put(REPORT, { tokenEnd: now() - 100 });
    for (const path of ["", "/report", "/consent", "?lang=nl"]) {
      const answer = await site.browser().get(letter.path + path);
      assert.equal(answer.status, 410);
      assert.match(answer.body.toString(), /<time datetime="20/);
      assert.ok(answer.body.includes(letter.manifest.subject));
    }
    assert.equal(JSON.parse((await site.get(letter.path, { accept: "application/json" })).body).closed, "expired");
    const kinds = await site.kinds(letter);
    assert.deepEqual(kinds, ["sealed", "expired_open_attempt", "fetched"], "once an hour, not for every knock; the program for itself");
    // Damaged on the way as well: still a person, still told.
    const upper = await site.get(letter.path.toUpperCase());
    assert.equal(upper.status, 410);
    // Another link to the same letter lives on.
    const fresh = mintToken(keyring, letter.letter, letter.manifest.not_after);
    site.remember(fresh);
    assert.equal((await site.get(`/${fresh}`)).status, 200);
  });

  for (const encode of [urlencoded, multipart]) {
    test(`consent can be taken back after the link expired: as easy as giving it (${encode.name})`, async () => {
      const letter = await site.put(REPORT);
      const person = site.browser();
      await person.consent(letter.path);
      const past = `/${mintToken(keyring, letter.letter, now() - 5)}`;
      site.remember(past.slice(1));
      assert.equal((await site.get(past)).status, 410);
      const gone = await site.browser().post(`${past}/withdraw`, oneClick, { encode });
      assert.equal(gone.status, 200);
      const record = await site.record(letter);
      assert.deepEqual([record.state, record.events.at(-1).kind], ["withdrawn", "consent_withdrawn"]);
      assert.equal((await person.get(`${letter.path}/report`)).status, 410);
    });
  }

  test("a withdrawal form that was open when the link ended is still heard; consent is not", async () => {
    const letter = await site.put(REPORT);
    const person = site.browser();
    await person.consent(letter.path);
    const { nonce } = await person.json(letter.path);
    const envelope = await site.browser().json(letter.path);
    const past = `/${mintToken(keyring, letter.letter, now() - 5)}`;
    site.remember(past.slice(1));
    const consent = await site.browser().post(`${past}/consent`, { nonce: envelope.nonce, terms: envelope.terms.sha256, agree: "yes" });
    assert.deepEqual([consent.status, consent.headers["set-cookie"]], [410, undefined]);
    const asked = await site.browser().post(`${past}/withdraw`, { nonce: "nonsense" });
    assert.deepEqual([asked.status, asked.body.toString().match(/<button/g).length, (await site.record(letter)).state], [200, 1, "consented"]);
    const answer = await person.post(`${past}/withdraw`, { nonce });
    assert.equal(answer.status, 200);
    assert.match(answer.body.toString(), /<html/);
    assert.equal((await site.record(letter)).state, "withdrawn");
  });
});

test("a letter of a key that was rotated away still opens until that key retires", async () => {
  const letter = await site.put(REPORT);
  const token = mintToken(keyring, letter.letter, letter.manifest.not_after, 5);
  site.remember(token);
  assert.equal((await site.get(`/${token}`)).status, 200);
});

describe("closed pages", () => {
  const expectClosed = async (letter, status, code) => {
    const page = await site.get(letter.path);
    assert.equal(page.status, status, code);
    assert.ok(page.body.includes(letter.manifest.subject), `${code}: which letter`);
    assert.match(page.body.toString(), /service@garage-vermeer\.example/, `${code}: whom to ask`);
    assert.ok(!page.body.includes("<form"), code);
    assert.equal(JSON.parse((await site.get(letter.path, { accept: "application/json" })).body).closed, code);
    for (const lang of ["nl", "fr", "de"]) {
      const other = await site.get(`${letter.path}?lang=${lang}`);
      assert.ok(other.body.includes(`<html lang="${lang}"`), `${code} in ${lang}`);
    }
  };

  test("cancelled, refused, withdrawn", async () => {
    const [cancelled, refused, withdrawn, both] = await Promise.all([1, 2, 3, 4].map(() => site.put(REPORT)));
    await site.api("POST", `${cancelled.letter}/cancel`);
    await site.browser().submit(refused.path, "refuse");
    const person = site.browser();
    await person.consent(withdrawn.path);
    await person.submit(withdrawn.path, "withdraw");
    await expectClosed(cancelled, 410, "cancelled");
    await expectClosed(refused, 200, "refused");
    await expectClosed(withdrawn, 200, "withdrawn");
    // What is over says so first.
    await site.browser().submit(both.path, "refuse");
    await site.api("POST", `${both.letter}/cancel`);
    await expectClosed(both, 410, "cancelled");
    // A no is heard on a cancelled letter too.
    const held = await site.browser().post(`${cancelled.path}/withdraw`, oneClick);
    assert.equal(held.status, 200);
    assert.equal((await site.record(cancelled)).state, "refused");
  });
});

describe("links that were damaged on the way", () => {
  let plain, sealed;
  before(async () => {
    plain = await site.put(REPORT);
    sealed = await site.put(REPORT, { endToEnd: true });
  });

  test("are sent to the clean address", async () => {
    const t = plain.token;
    const look = t.replaceAll("0", "o").replaceAll("1", "l");
    const damaged = {
      "upper case": t.toUpperCase(),
      "mixed case": t.replace(/[a-z]/g, (c, i) => (i % 2 ? c.toUpperCase() : c)),
      "look-alikes": look,
      "look-alikes in upper case": look.toUpperCase(),
      "a full stop": `${t}.`, "a comma": `${t},`, "a bracket": `${t})`, "a quotation mark": `${t}%22`, "an angle bracket": `${t}%3E`, "several": `${t}).,`, "an equals sign": `${t}=`,
      "a space": `${t}%20`, "a line wrap": `${t.slice(0, 30)}%0A${t.slice(30)}`, "a wrap with return": `${t.slice(0, 30)}%0D%0A${t.slice(30)}`, "a soft line break": `${t.slice(0, 30)}=%0A${t.slice(30)}`.replace("=%0A", "%0A"),
    };
    for (const [what, segment] of Object.entries(damaged)) {
      if (segment === t) continue;
      for (const method of ["GET", "HEAD"]) {
        const answer = await site.send(method, `/${segment}`);
        assert.deepEqual([answer.status, answer.headers.location], [302, plain.path], what);
      }
    }
  });

  test("get the fragment back that a mail program put into the path", async () => {
    for (const mark of ["%23"]) {
      for (const fragment of [sealed.fragment, sealed.fragment.toUpperCase(), `${sealed.fragment}.`]) {
        const answer = await site.get(`${sealed.path}${mark}${fragment}`);
        assert.deepEqual([answer.status, answer.headers.location], [302, `${sealed.path}#${sealed.fragment}`], `${mark} ${fragment.length}`);
      }
      const junk = await site.get(`${sealed.path}${mark}nonsense`);
      assert.equal(junk.headers.location, sealed.path, "what is no key is dropped");
    }
  });

  test("keep what was asked for, and lead nowhere else", async () => {
    const upper = plain.path.toUpperCase();
    assert.equal((await site.get(`${upper}?lang=nl`)).headers.location, `${plain.path}?lang=nl`);
    assert.equal((await site.get(`${upper}/report`)).headers.location, `${plain.path}/report`);
    for (const more of ["//evil.example", "/%2f%2fevil.example", "?x=//evil.example", "/..//evil.example", "/%0d%0aset-cookie:a=b", `/${"%c3%a9".repeat(30)}`]) {
      const answer = await site.get(upper + more);
      const { location } = answer.headers;
      if (answer.status === 302) assert.ok(new URL(location, site.url).origin === site.url && location.startsWith(plain.path), location);
      else assert.equal(answer.status, 404, more);
      assert.equal(answer.headers["set-cookie"], undefined);
    }
  });

  test("a form posted to one does what it says: no redirect loses it", async () => {
    const letter = await site.put(REPORT);
    const person = site.browser();
    const { nonce, terms } = await person.json(letter.path);
    const answer = await person.post(`${letter.path.toUpperCase()}./consent`, { nonce, terms: terms.sha256, agree: "yes" });
    assert.deepEqual([answer.status, answer.headers.location], [303, letter.path]);
    assert.equal((await site.record(letter)).state, "consented");
    assert.equal((await site.browser().post(`${letter.path}%20/withdraw`, oneClick)).status, 200);
    assert.equal((await site.record(letter)).state, "withdrawn");
  });

  test("are damaged beyond repair: silence, as for a page that is not there", async () => {
    const t = plain.token;
    for (const segment of [t.slice(1), `${t}0`, `u${t.slice(1)}`, `${t}%23${t}`, `${t}%2Freport`.slice(0, 60)]) {
      const answer = await site.get(`/${segment}`);
      if (answer.status !== 302) assert.deepEqual([answer.status, answer.body.toString()], [404, SILENT], segment.slice(0, 10));
    }
  });
});
