// The life of a letter as its recipient meets it: envelope, consent, letter, no.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { multipart, urlencoded } from "./lib/http.mjs";
import { LANGUAGES } from "./lib/languages.mjs";
import { mintToken, newKeyring, openBody, sealManifest, uuid7 } from "./lib/seal.mjs";
import { AGENT, consentIn, fieldsOf, startSite } from "./lib/site.mjs";

const SECRET_WORDS = "The gearbox of this car is about to fail. ";
const REPORT = Buffer.from(SECRET_WORDS.repeat(4_000));
const ABOUT = { subject: "Inspection <of> your & car", customer: "CUSTOMER-77", reference: "REFERENCE-88", file_name: "gearbox-fails.pdf" };

/** The text on the button, as the translators have it. */
function openButton(lang) {
  const file = readFileSync(join(ROOT, `locales/${lang}.toml`), "utf8");
  return /^open = "(.*)"$/m.exec(file.slice(file.indexOf("[envelope]")))[1];
}

let site;
before(async () => (site = await startSite("journey")));
after(() => site?.stop());

for (const endToEnd of [false, true]) {
  describe(endToEnd ? "end to end" : "edge-opened", () => {
    let letter;
    before(async () => (letter = await site.put(REPORT, { endToEnd, about: { ...ABOUT, ...(endToEnd && { key_check: "0a1b2c3d" }) } })));

    test("the envelope says who, about what and until when, and nothing of the letter", async () => {
      const answer = await site.browser().get(letter.path);
      assert.equal(answer.status, 200);
      const html = answer.body.toString();
      assert.match(html, /<title>A sealed letter from Garage Vermeer<\/title>/);
      assert.match(html, /Inspection &#60;of&#62; your &#38; car|Inspection &lt;of&gt; your &amp; car/);
      const ends = new Date(letter.manifest.not_after * 1000).toISOString().replace(".000Z", "Z");
      assert.ok(html.includes(`datetime="${ends}"`));
      assert.match(html, /<input type="checkbox" name="agree" value="yes" required aria-describedby="brief">/);
      assert.ok(!html.includes(" checked"), "the box comes unticked");
      for (const hidden of ["gearbox", "CUSTOMER", "REFERENCE", letter.manifest.sha256, String(REPORT.length), "application/pdf"]) {
        assert.ok(!html.includes(hidden), `the envelope holds ${hidden}`);
      }
      assert.match(answer.headers["set-cookie"].join(), /^__Host-waxseal-form-[0-9a-f]{8}=/, "the form's, and no other");
      assert.equal(html.includes("/assets/envelope.js"), endToEnd, "script only where the key is in the fragment");
    });

    test("the same as JSON", async () => {
      const found = await site.browser().json(letter.path);
      const { key_check: check, ...rest } = found;
      assert.deepEqual(Object.keys(rest).sort(), ["expires_at", "language", "mode", "nonce", "sender", "state", "subject", "terms"]);
      assert.equal(check, letter.manifest.key_check);
      assert.equal(found.state, "envelope");
      assert.equal(found.subject, ABOUT.subject);
      assert.equal(found.expires_at, letter.manifest.not_after);
      assert.equal(found.sender.name, "Garage Vermeer");
    });

    test("without consent there is no byte of the report", async () => {
      for (const cookie of [undefined, "__Host-waxseal-00000000=x", `a=${"b".repeat(7_000)}`]) {
        const answer = await site.get(`${letter.path}/report`, cookie ? { cookie } : {});
        assert.deepEqual([answer.status, answer.headers.location], [403, undefined]);
        assert.ok(!answer.body.includes("gearbox") && answer.body.length < 20_000);
      }
    });

    test("an unticked box is said, tied to the box, and records nothing", async () => {
      const before = await site.kinds(letter);
      for (const agree of [undefined, "no", "", "YES"]) {
        const answer = await site.browser().submit(letter.path, "consent", { change: { agree } });
        assert.equal(answer.status, 422);
        const html = answer.body.toString();
        assert.match(html, /id="agree-error" role="alert"/);
        assert.match(html, /name="agree"[^>]*aria-describedby="agree-error brief" aria-invalid="true"/);
        assert.equal(answer.headers["set-cookie"], undefined, "no consent; the form's cookie is there");
        assert.ok(fieldsOf(html, "consent").fields.nonce, "the form is there again");
      }
      assert.deepEqual(await site.kinds(letter), before);
    });

    test("consent is on record before the first byte, and opens the letter for this browser alone", async () => {
      const person = site.browser();
      const yes = await person.consent(letter.path);
      assert.equal(yes.headers.location, `${letter.path}?lang=en`, "the language of the page stays");
      const record = await site.record(letter);
      const consent = record.events.at(-1);
      assert.deepEqual([record.state, consent.kind, consent.actor], ["consented", "consent_given", "recipient"]);
      assert.match(consent.terms, /^[0-9a-f]{64}$/);
      assert.equal(consent.details.user_agent, AGENT);
      assert.ok(!record.events.some((event) => event.kind === "report_streamed"), "no byte has left yet");

      const [cookie, ...more] = yes.headers["set-cookie"];
      assert.deepEqual(more, []);
      const [pair, ...flags] = cookie.split("; ");
      assert.match(pair, /^__Host-waxseal-[0-9a-f]{8}=[A-Za-z0-9_-]{44}$/);
      assert.deepEqual(flags.filter((flag) => !flag.startsWith("Max-Age=")), ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]);
      const age = Number(/Max-Age=(\d+)/.exec(cookie)[1]);
      assert.ok(age > 86_000 && age <= 86_400, "as long as the letter");

      const page = await person.get(letter.path);
      const html = page.body.toString();
      assert.equal(page.status, 200);
      assert.match(html, new RegExp(`<main id="letter"[^>]*data-mode="${letter.manifest.mode}"`));
      assert.ok(html.includes(`data-sha256="${letter.manifest.sha256}"`));
      const report = await person.get(`${letter.path}/report`);
      assert.equal(report.status, 200);
      assert.ok((endToEnd ? openBody(letter.ikm, report.body) : report.body).equals(REPORT), "the report arrived");
      if (endToEnd) assert.ok(report.body.equals(letter.objects.body), "the edge touched nothing");

      const another = site.browser();
      assert.equal((await another.json(letter.path)).state, "envelope", "another browser is asked again");
      assert.equal((await another.get(`${letter.path}/report`)).status, 403);
      await another.consent(letter.path);
      assert.equal((await another.get(`${letter.path}/report`)).status, 200);
      const given = (await site.kinds(letter)).filter((kind) => kind === "consent_given");
      assert.equal(given.length, 2);
    });

    test("the cookie of one letter opens no other", async () => {
      const other = await site.put(REPORT, { endToEnd, about: ABOUT });
      const person = site.browser();
      await person.consent(letter.path);
      const [name, value] = person.cookie().split("; ").find((pair) => !pair.includes("-form-")).split("=");
      await site.browser().get(other.path);
      const itsName = (await site.browser().consent(other.path)).headers["set-cookie"][0].split("=")[0];
      for (const cookie of [`${name}=${value}`, `${itsName}=${value}`, `${itsName}=${value.replace(/^./, (c) => (c === "A" ? "B" : "A"))}`]) {
        assert.equal((await site.get(`${other.path}/report`, { cookie })).status, 403);
      }
    });
  });
}

test("four languages, by the switch, by the letter, by Accept-Language, by the site", async () => {
  const plain = await site.put(REPORT);
  const dutch = await site.put(REPORT, { about: { language: "nl" } });
  const lang = async (letter, query, accept) => {
    const answer = await site.get(`${letter.path}${query}`, accept ? { "accept-language": accept } : {});
    const html = answer.body.toString();
    const found = /<html lang="(..)">/.exec(html)[1];
    assert.ok(html.includes(`>${openButton(found)}</button>`), `the button in ${found}`);
    return found;
  };
  for (const each of LANGUAGES) {
    assert.equal(await lang(plain, "", `${each}-XX,xx;q=0.3`), each);
    assert.equal(await lang(plain, `?lang=${each}`, "nl"), each);
  }
  assert.equal(await lang(dutch, "", undefined), "nl");
  assert.equal(await lang(dutch, "", "fr"), "nl");
  assert.equal(await lang(dutch, "?lang=de", "fr"), "de");
  assert.equal(await lang(plain, "", undefined), "en");
  for (const junk of ["?lang=", "?lang=xx", "?lang=%ff%00", `?lang=${"n".repeat(400)}`]) assert.equal(await lang(plain, junk, "de"), "de");
  for (const junk of ["\t", ";;;,,,q=", "*;q=0", "nl;q=nan", "x".repeat(4_000)]) await lang(plain, "", junk);

  // The choice stays through the form.
  const person = site.browser();
  const yes = await person.submit(`${plain.path}?lang=fr`, "consent", { change: { agree: "yes" } });
  assert.equal(yes.headers.location, `${plain.path}?lang=fr`);
});

test("forms that are not ours are refused and record nothing", async () => {
  const letter = await site.put(REPORT);
  const other = await site.put(REPORT);
  const mine = await site.browser().json(letter.path);
  const theirs = await site.browser().json(other.path);
  const before = await site.kinds(letter);
  const good = { terms: mine.terms.sha256, nonce: mine.nonce, agree: "yes" };
  const flip = (text, at) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
  const bad = {
    "no nonce": { ...good, nonce: "" },
    "the nonce of another letter": { ...good, nonce: theirs.nonce },
    "a flipped tag": { ...good, nonce: flip(good.nonce, 80) },
    "a flipped time": { ...good, nonce: flip(good.nonce, 4) },
    "a nonce that is too long": { ...good, nonce: good.nonce + "A" },
    "no terms": { ...good, terms: "" },
    "other terms": { ...good, terms: "0".repeat(64) },
    "terms that are no hash": { ...good, terms: "zz" },
    nothing: {},
  };
  for (const [what, fields] of Object.entries(bad)) {
    for (const encode of [urlencoded, multipart]) {
      const answer = await site.browser().post(`${letter.path}/consent`, fields, { encode });
      assert.equal(answer.status, what === "nothing" ? 422 : 400, what);
      assert.equal(consentIn(answer), undefined, what);
    }
    if (!("agree" in fields && "nonce" in bad[what]) || /nonce|tag|time|nothing/.test(what)) {
      const refused = await site.browser().post(`${letter.path}/refuse`, fields);
      assert.equal(refused.status, what === "nothing" ? 422 : 400, what);
      const asks = await site.browser().post(`${letter.path}/withdraw`, fields);
      assert.deepEqual([asks.status, asks.body.toString().match(/<button/g).length], [200, 1], what);
    }
  }
  const bodies = [
    ["multipart/form-data; boundary=x", "not multipart at all"],
    ["multipart/form-data", "--x\r\n\r\n"],
    ["multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"nonce\"; filename=\"a\"\r\n\r\nfile\r\n--x--\r\n"],
    ["application/x-www-form-urlencoded", Buffer.from([0xff, 0xfe, 0x00, 0x80])],
    ["application/x-www-form-urlencoded", "&&&===%%%zz%0"],
    ["application/json", JSON.stringify(good)],
    ["application/x-www-form-urlencoded", `nonce=${"n".repeat(9_000)}`],
    ["multipart/form-data; boundary=x", "x".repeat(9_000)],
  ];
  for (const [type, body] of bodies) {
    for (const form of ["consent", "refuse", "withdraw"]) {
      const headers = { "content-type": type, "content-length": Buffer.byteLength(body) };
      const answer = await site.send("POST", `${letter.path}/${form}`, { headers, body });
      // Nothing of ours is in it: asked again. Too long to be ours: not read.
      const status = Buffer.byteLength(body) > 8_192 ? 413 : form === "withdraw" ? 200 : 422;
      assert.equal(answer.status, status, `${form}: ${type}`);
    }
  }
  assert.deepEqual(await site.kinds(letter), before);
  // As JSON the same comes as a code.
  for (const [form, fields, expected] of [
    ["consent", { nonce: "x" }, [400, "form_invalid"]],
    ["consent", bad.nothing, [422, "form_lost"]],
    ["withdraw", bad.nothing, [422, "form_lost"]],
  ]) {
    const answer = await site.browser().post(`${letter.path}/${form}`, fields, { headers: { accept: "application/json" } });
    assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], expected);
  }
  const unticked = await site.browser().post(`${letter.path}/consent`, { ...good, agree: "" }, { headers: { accept: "application/json" } });
  assert.deepEqual([unticked.status, JSON.parse(unticked.body).error.code], [422, "not_agreed"]);
});

test("one form is one consent, however often it arrives", async () => {
  const letter = await site.put(REPORT);
  const person = site.browser();
  const { nonce, terms } = await person.json(letter.path);
  const fields = { nonce, terms: terms.sha256, agree: "yes" };
  const answers = await Promise.all(Array.from({ length: 8 }, () => person.post(`${letter.path}/consent`, fields)));
  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([303]));
  const cookies = new Set(answers.map(consentIn));
  assert.equal(cookies.size, 1, "the same consent, the same cookie");
  // A browser that consented already and sends another form is not asked, nor counted, again.
  const known = site.browser();
  await known.consent(letter.path);
  const again = await known.json(`${letter.path}?lang=fr`, { cookie: known.cookie().split("; ").filter((pair) => pair.includes("-form-")).join() });
  await known.post(`${letter.path}/consent`, { nonce: again.nonce, terms: again.terms.sha256, agree: "yes" });
  assert.deepEqual((await site.kinds(letter)).filter((kind) => kind === "consent_given").length, 2);
});

test("a post without a known origin works: in-app browsers send null", async () => {
  const letter = await site.put(REPORT);
  const person = site.browser();
  const headers = { origin: "null", referer: "https://webmail.example/inbox" };
  await person.consent(letter.path, { headers });
  const { details } = (await site.record(letter)).events.at(-1);
  assert.equal(details.referrer_present, true);
  assert.ok(!JSON.stringify(details).includes("webmail.example"), "where from is not kept");
});

test("no, thank you: closed at once and for good, and that is on record", async () => {
  const letter = await site.put(REPORT);
  const [first, second] = [site.browser(), site.browser()];
  const held = await second.json(letter.path);
  const no = await first.submit(letter.path, "refuse");
  assert.deepEqual([no.status, no.headers.location], [303, `${letter.path}?lang=en`]);
  for (const person of [first, second]) {
    const page = await person.get(letter.path);
    assert.equal(page.status, 200);
    // Nothing is left to press, but for the browser that said it.
    const actions = [...page.body.toString().matchAll(/<form[^>]*action="([^"]*)"/g)].map(([, action]) => action);
    assert.deepEqual(actions, person === first ? [`${letter.path}/undo?lang=en`] : []);
    assert.ok(page.body.includes(letter.manifest.subject), "a closed page names its letter");
    assert.equal((await person.json(letter.path)).closed, "refused");
  }
  const late = await second.post(`${letter.path}/consent`, { nonce: held.nonce, terms: held.terms.sha256, agree: "yes" });
  assert.equal(consentIn(late), undefined);
  const record = await site.record(letter);
  assert.equal(record.state, "refused");
  assert.deepEqual(record.events.map((event) => event.kind), ["sealed", "opened", "notice_shown", "consent_refused"]);
  assert.equal(record.events.at(-1).terms, held.terms.sha256, "which terms were refused is on record");
  assert.equal(record.events.at(-1).actor, "recipient");
});

test("withdrawing by the form closes the letter at once, everywhere", async () => {
  const letter = await site.put(REPORT);
  const [phone, desktop] = [site.browser(), site.browser()];
  await phone.consent(letter.path);
  await desktop.consent(letter.path);
  const kept = desktop.cookie();
  const gone = await phone.submit(letter.path, "withdraw");
  assert.equal(gone.status, 303);
  assert.equal(gone.headers["set-cookie"], undefined, "it may be taken back in this browser");
  for (const headers of [{}, { cookie: kept }]) {
    const report = await site.get(`${letter.path}/report`, headers);
    assert.ok(!report.body.includes("gearbox"));
    assert.equal(report.status, headers.cookie ? 410 : 403);
    assert.equal(JSON.parse((await site.get(letter.path, { accept: "application/json", ...headers })).body).closed, "withdrawn");
  }
  assert.equal((await site.kinds(letter)).filter((kind) => kind === "consent_withdrawn").length, 1);
  // A second time changes nothing and is no error.
  const again = await desktop.post(`${letter.path}/withdraw`, { "List-Unsubscribe": "One-Click" });
  assert.equal(again.status, 200);
  assert.equal((await site.kinds(letter)).filter((kind) => kind === "consent_withdrawn").length, 1);
});

for (const encode of [urlencoded, multipart]) {
  test(`withdrawing by one click of a mail program (RFC 8058), ${encode.name}: no cookie, no redirect`, async () => {
    const letter = await site.put(REPORT);
    const person = site.browser();
    await person.consent(letter.path);
    const { body, headers } = encode({ "List-Unsubscribe": "One-Click" });
    const answer = await site.send("POST", `${letter.path}/withdraw`, { body, headers: { ...headers, "content-length": Buffer.byteLength(body) } });
    assert.deepEqual([answer.status, answer.body.length, answer.headers.location], [200, 0, undefined]);
    const record = await site.record(letter);
    assert.deepEqual([record.state, record.events.at(-1).actor], ["withdrawn", "mail-program"]);
    assert.equal((await person.get(`${letter.path}/report`)).status, 410, "a download must not save a page as the report");
    // GET never does what a form does.
    const fresh = await site.put(REPORT);
    for (const [form, status] of [["consent", 303], ["refuse", 303], ["withdraw?List-Unsubscribe=One-Click", 200]]) {
      assert.equal((await site.get(`${fresh.path}/${form}`)).status, status);
      assert.equal((await site.send("HEAD", `${fresh.path}/${form}`)).status, status);
    }
    assert.equal((await site.record(fresh)).state, "sealed");
  });
}

test("the sender cancels: the next request anywhere is closed", async () => {
  const letter = await site.put(REPORT);
  const person = site.browser();
  const stranger = await site.browser().json(letter.path);
  await person.consent(letter.path);
  assert.equal((await person.get(`${letter.path}/report`)).status, 200);
  const cancel = () => site.api("POST", `${letter.letter}/cancel`);
  assert.deepEqual(JSON.parse((await cancel()).body), { letter: letter.letter, state: "cancelled", changed: true });
  const report = await person.get(`${letter.path}/report`);
  assert.equal(report.status, 410);
  assert.ok(!report.body.includes("gearbox"));
  assert.equal((await person.json(letter.path)).closed, "cancelled");
  const late = await site.browser({ "sec-fetch-site": "same-origin" }).post(`${letter.path}/consent`, { nonce: stranger.nonce, terms: stranger.terms.sha256, agree: "yes" });
  assert.deepEqual([late.status, consentIn(late)], [410, undefined]);
  assert.deepEqual(JSON.parse((await cancel()).body), { letter: letter.letter, state: "cancelled", changed: false });
  const record = await site.record(letter);
  assert.equal(record.over, "cancelled");
  assert.equal(record.events.filter((event) => event.kind === "cancelled").length, 1);
});

test("HEAD answers as GET without a body, and a scanner that fetches everything changes nothing that counts", async () => {
  const letter = await site.put(REPORT);
  for (let round = 0; round < 5; round += 1) {
    for (const method of ["GET", "HEAD"]) {
      for (const path of ["", "/", "/report", "/consent", "/refuse", "/withdraw", "?x=1", "/nowhere/at/all"]) await site.send(method, `${letter.path}${path}`);
    }
  }
  const [get, head] = [await site.send("GET", letter.path), await site.send("HEAD", letter.path)];
  assert.equal(head.body.length, 0);
  assert.equal(Number(head.headers["content-length"]), get.body.length);
  // The local front sends pages in chunks; the edge itself names the length.
  const framing = new Set(["date", "transfer-encoding", "content-length"]);
  const names = (answer) => answer.raw.map(([name]) => name.toLowerCase()).filter((name) => !framing.has(name)).sort();
  assert.deepEqual(names(head), names(get));
  assert.deepEqual(await site.kinds(letter), ["sealed", "fetched"]);
});

test("other methods on a genuine link are told so in words", async () => {
  const letter = await site.put(REPORT);
  for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]) {
    const answer = await site.send(method, letter.path);
    assert.deepEqual([answer.status, answer.headers.allow], [405, "GET, HEAD, POST"], method);
  }
  const before = await site.kinds(letter);
  for (const path of ["", "/", "/nowhere", "/consent/nowhere"]) assert.equal((await site.send("POST", letter.path + path)).status, 405);
  assert.deepEqual(await site.kinds(letter), before);
});

test("a letter that was never uploaded, or whose manifest is missing, is said to be missing", async () => {
  const letter = uuid7();
  const token = mintToken(site.keyring, letter, Math.floor(Date.now() / 1000) + 3_600);
  site.remember(token);
  const answer = await site.get(`/${token}`);
  assert.equal(answer.status, 404);
  assert.match(answer.body.toString(), /service@garage-vermeer\.example/, "whom to ask");
  assert.equal((await site.api("GET", letter)).status, 404);
  assert.equal((await site.api("POST", `${letter}/cancel`)).status, 404);
});

test("a letter sealed with a key that the edge never had does not open", async () => {
  const foreign = newKeyring();
  const letter = uuid7();
  const manifest = { v: 1, letter };
  const answer = await site.api("PUT", `${letter}/manifest`, { body: sealManifest(foreign, manifest) });
  assert.equal(answer.status, 422);
  assert.ok(JSON.parse(answer.body).code);
});
