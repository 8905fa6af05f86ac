// Requests as real clients and proxies send them, byte for byte: forms without a length, the one-click of mail programs, lost
// bodies, downloads without cookies.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { comesFrom, freshAddress } from "./lib/addresses.mjs";
import { readFor } from "./lib/forms.mjs";
import { multipart } from "./lib/http.mjs";
import { AGENT, fieldsOf, startSite } from "./lib/site.mjs";

const REPORT = randomBytes(200_000);
const FORM = "application/x-www-form-urlencoded";

let site;
before(async () => (site = await startSite("forms")));
after(() => site?.stop());

/**
 * A request as bytes on a socket of its own. `chunks`: the body, sent in these pieces with `Transfer-Encoding: chunked`; `body`: sent
 * with its length; neither: no body and no length. `open`: the body never ends. Answers status, headers and text.
 */
function raw(method, path, { headers = {}, chunks, body, open = false } = {}) {
  const lines = { host: `127.0.0.1:${site.port}`, connection: "close", ...comesFrom({ address: freshAddress() }), ...headers };
  if (chunks) lines["transfer-encoding"] = "chunked";
  if (body !== undefined) lines["content-length"] = Buffer.byteLength(body);
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const sent = (chunks ?? []).filter((chunk) => chunk.length > 0).map((chunk) => `${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`).join("");
  return new Promise((resolve, reject) => {
    const socket = connect(site.port, "127.0.0.1", () => {
      socket.write(`${method} ${path} HTTP/1.1\r\n${head}\r\n${sent}${chunks && !open ? "0\r\n\r\n" : ""}${body ?? ""}`);
    });
    const found = [];
    const done = () => {
      const text = Buffer.concat(found).toString("latin1");
      const [top, ...rest] = text.split("\r\n\r\n");
      const [first, ...fields] = top.split("\r\n");
      const named = fields.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]);
      resolve({ status: Number(first.split(" ")[1]), headers: Object.fromEntries(named), text: rest.join("\r\n\r\n") });
    };
    socket.on("data", (chunk) => {
      found.push(chunk);
      // Whoever waits for the rest of the body would never close.
      if (open && Buffer.concat(found).includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", done);
  });
}

/** A browser's headers and the form `action` of the envelope, read for a while. */
async function opened(letter, action) {
  const person = site.browser();
  const page = await person.get(letter.path);
  const form = fieldsOf(page.body.toString(), action);
  const nonce = readFor(site.keyring, letter.path, form.fields.nonce);
  site.remember(form.fields.nonce, nonce);
  const headers = { "user-agent": AGENT, accept: "text/html", "accept-language": "nl", cookie: person.cookie(), "content-type": FORM };
  return { person, action: form.action, fields: { ...form.fields, nonce }, headers };
}

/** Cuts a text into pieces, some of them within a field. */
const pieces = (text) => [text.slice(0, 5), text.slice(5, 6), text.slice(6)];

describe("a form without a length", () => {
  test("consents", async () => {
    const letter = await site.put(REPORT);
    const { action, fields, headers } = await opened(letter, "consent");
    const answer = await raw("POST", action, { headers, chunks: pieces(new URLSearchParams({ ...fields, agree: "yes" }).toString()) });
    assert.equal(answer.status, 303, answer.text);
    assert.match(answer.headers["set-cookie"], /^__Host-waxseal-[0-9a-f]{8}=/);
    assert.equal((await site.kinds(letter)).at(-1), "consent_given");
  });

  test("refuses", async () => {
    const letter = await site.put(REPORT);
    const { action, fields, headers } = await opened(letter, "refuse");
    const answer = await raw("POST", action, { headers, chunks: pieces(new URLSearchParams(fields).toString()) });
    assert.equal(answer.status, 303, answer.text);
    assert.equal((await site.kinds(letter)).at(-1), "consent_refused");
  });

  test("consents as multipart too", async () => {
    const letter = await site.put(REPORT);
    const { action, fields, headers } = await opened(letter, "consent");
    const { body, headers: type } = multipart({ ...fields, agree: "yes" });
    // No browser sends our form so: it is asked once more, and was read.
    const answer = await raw("POST", action, { headers: { ...headers, ...type, "sec-fetch-site": "same-origin" }, chunks: pieces(body) });
    assert.equal(answer.status, 303, answer.text);
    assert.equal((await site.kinds(letter)).at(-1), "consent_given");
  });

  test("is read up to the limit and no further", async () => {
    const letter = await site.put(REPORT);
    const { action, fields, headers } = await opened(letter, "consent");
    const form = new URLSearchParams({ ...fields, agree: "yes" }).toString();
    const filled = (length) => `${form}&x=${"x".repeat(length - form.length - 3)}`;
    for (const length of [8 * 1024 + 1, 1_000_000]) {
      const answer = await raw("POST", action, { headers, chunks: [filled(length)] });
      assert.equal(answer.status, 413, `${length}`);
    }
    const announced = await raw("POST", action, { headers, body: filled(8 * 1024 + 1) });
    assert.equal(announced.status, 413);
    assert.ok(!(await site.kinds(letter)).includes("consent_given"));
    assert.equal((await raw("POST", action, { headers, chunks: [filled(8 * 1024)] })).status, 303);
  });
});

// RFC 8058: what mail programs make of `List-Unsubscribe=One-Click`.
const BODIES = {
  "as the RFC has it": "List-Unsubscribe=One-Click",
  "with a line end": "List-Unsubscribe=One-Click\r\n",
  "with white space": " List-Unsubscribe = One-Click ",
  "in other case": "list-unsubscribe=one-click",
  "in capitals": "LIST-UNSUBSCRIBE=ONE-CLICK",
  "twice": "List-Unsubscribe=One-Click&List-Unsubscribe=One-Click",
  "with more": "a=b&List-Unsubscribe=One-Click&utm_source=mail",
  "percent-encoded": "List%2DUnsubscribe=One%2DClick",
};

describe("one-click", () => {
  /** Posts to a letter that nobody answered and to one that somebody reads: both close. */
  async function closes(what, path, options) {
    for (const consented of [false, true]) {
      const letter = await site.put(REPORT);
      if (consented) await site.browser().consent(letter.path);
      const answer = await raw("POST", `${letter.path}${path}`, options);
      assert.deepEqual([answer.status, answer.text], [200, ""], what);
      const last = (await site.record(letter)).events.at(-1);
      assert.deepEqual([last.kind, last.actor], [consented ? "consent_withdrawn" : "consent_refused", "mail-program"], what);
    }
  }

  for (const [what, body] of Object.entries(BODIES)) {
    test(`${what}, with and without a length`, async () => {
      await closes(what, "/withdraw", { headers: { "content-type": FORM }, body });
      await closes(what, "/withdraw", { headers: { "content-type": FORM }, chunks: pieces(body) });
    });
  }

  test("with a slash behind, with no content type, with another one", async () => {
    const body = "List-Unsubscribe=One-Click";
    await closes("slash", "/withdraw/", { headers: { "content-type": FORM }, body });
    await closes("slashes", "/withdraw//", { headers: { "content-type": FORM }, chunks: [body] });
    await closes("no type", "/withdraw", { body });
    await closes("text", "/withdraw", { headers: { "content-type": "text/plain" }, body });
    await closes("charset", "/withdraw", { headers: { "content-type": "Application/X-WWW-Form-URLEncoded; charset=UTF-8" }, body });
  });

  test("as multipart, in any case", async () => {
    for (const name of ["List-Unsubscribe", "list-unsubscribe"]) {
      for (const value of ["One-Click", "one-click\r\n"]) {
        const { body, headers } = multipart({ [name]: value });
        await closes(`${name}=${value}`, "/withdraw", { headers, body });
        await closes(`${name}=${value}`, "/withdraw", { headers, chunks: pieces(body) });
      }
    }
  });

  test("with its body lost, or garbled: a page asks with one button, and the button works", async () => {
    const broken = { body: "no boundary", headers: { "content-type": "multipart/form-data" } };
    const forged = { body: `nonce=${"A".repeat(95)}`, headers: { "content-type": FORM } };
    for (const lost of [{ body: "" }, {}, { chunks: [] }, { body: "", headers: { "content-type": FORM } }, { body: "\r\n" }, { body: "a=b" }, broken, forged]) {
      const letter = await site.put(REPORT);
      const answer = await raw("POST", `${letter.path}/withdraw`, lost);
      assert.equal(answer.status, 200, JSON.stringify(lost));
      assert.equal(answer.text.match(/<button/g).length, 1);
      assert.ok(!answer.text.includes(letter.manifest.subject));
      assert.deepEqual((await site.kinds(letter)).filter((kind) => /consent/.test(kind)), [], "nothing is recorded");
      const { action, fields } = fieldsOf(answer.text, "withdraw");
      const nonce = readFor(site.keyring, letter.path, fields.nonce);
      site.remember(fields.nonce, nonce);
      const cookie = answer.headers["set-cookie"].split(";")[0];
      const yes = await raw("POST", action, { headers: { "user-agent": AGENT, accept: "text/html", "accept-language": "nl", cookie, "content-type": FORM }, body: `nonce=${nonce}` });
      assert.equal(yes.status, 303, yes.text);
      assert.equal((await site.kinds(letter)).at(-1), "consent_refused");
    }
  });

  test("as a link: a page asks, and a scanner that follows it closes nothing", async () => {
    const letter = await site.put(REPORT);
    for (const path of ["/withdraw", "/withdraw/", "/withdraw?List-Unsubscribe=One-Click"]) {
      const page = await raw("GET", `${letter.path}${path}`, { headers: { accept: "text/html" } });
      assert.deepEqual([page.status, page.text.match(/<button/g).length], [200, 1]);
    }
    assert.deepEqual((await site.kinds(letter)).filter((kind) => /consent/.test(kind)), []);
  });
});

test("a consent or refusal whose body was lost is asked for again, in words", async () => {
  const letter = await site.put(REPORT);
  for (const form of ["consent", "refuse", "confirm"]) {
    for (const lost of [{ body: "" }, {}, { chunks: [] }]) {
      const answer = await raw("POST", `${letter.path}/${form}?lang=en`, { headers: { accept: "text/html" }, ...lost });
      assert.equal(answer.status, 422, form);
      assert.match(answer.text, /id="agree-error" role="alert">Your choice did not arrive/);
      assert.match(answer.text, /action="[^"]*\/consent/);
    }
  }
  assert.deepEqual((await site.kinds(letter)).filter((kind) => /consent/.test(kind)), []);
});

describe("the report", () => {
  const ADDRESSES = ["/report", "/report/", "/report?download=1", "/report?grant=", "/report?grant=x", "/report?download=1&grant=AAAA"];

  test("without any right is words, never 200, and never leads to a page with 200", async () => {
    const [fresh, read] = [await site.put(REPORT), await site.put(REPORT, { endToEnd: true })];
    await site.browser().consent(read.path);
    for (const letter of [fresh, read]) {
      for (const address of ADDRESSES) {
        for (const range of [{}, { range: "bytes=0-9" }]) {
          const page = await raw("GET", `${letter.path}${address}`, { headers: { accept: "*/*", "accept-language": "en", ...range } });
          assert.equal(page.status, 403, address);
          assert.match(page.headers["content-type"], /^text\/html/);
          assert.match(page.text, /Please open the letter first/);
          assert.ok(page.text.includes(`href="${letter.path}?lang=`));
        }
        const problem = await raw("GET", `${letter.path}${address}`, { headers: { accept: "application/json" } });
        assert.deepEqual([problem.status, problem.headers["content-type"]], [403, "application/problem+json"]);
        assert.equal(JSON.parse(problem.text.replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, "")).code, "no_consent");
        const head = await raw("HEAD", `${letter.path}${address}`, { headers: { accept: "*/*" } });
        assert.deepEqual([head.status, head.text], [403, ""]);
      }
    }
  });

  test("a preview robot gets no page with 200 there either", async () => {
    const letter = await site.put(REPORT);
    const answer = await raw("GET", `${letter.path}/report`, { headers: { "user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)" } });
    assert.equal(answer.status, 403);
  });

  /** The letter page of a reader, and the address behind its download button. */
  async function button(letter) {
    const reader = site.browser();
    await reader.consent(letter.path);
    const page = (await reader.get(letter.path)).body.toString();
    const address = /href="([^"]*\/report\?download=1[^"]*)"/.exec(page)[1].replaceAll("&amp;", "&");
    const grant = new URL(address, site.url).searchParams.get("grant");
    site.remember(grant);
    return { reader, address, grant };
  }

  const MANAGER = { "user-agent": "AndroidDownloadManager/14 (Linux; U; Android 14; SM-A155F)", accept: "*/*" };

  test("comes by the address of the download button, without a cookie, and is recorded under that consent", async () => {
    const letter = await site.put(REPORT);
    const { address } = await button(letter);
    const file = await site.get(address, MANAGER);
    assert.equal(file.status, 200);
    assert.ok(file.body.equals(REPORT));
    assert.match(file.headers["content-disposition"], /^attachment; filename=/);
    const { events } = await site.record(letter);
    const consent = events.find(({ kind }) => kind === "consent_given");
    const streamed = events.filter(({ kind }) => kind === "report_streamed");
    assert.deepEqual(streamed.map(({ details }) => [details.bytes, details.complete]), [[0, false], [REPORT.length, true]]);
    assert.ok(streamed.every(({ details }) => details.user_agent === MANAGER["user-agent"]));
    assert.ok(streamed.every(({ details }) => details.consent === consent.id));
    // HEAD and parts, as a download manager asks for them.
    assert.deepEqual((({ status, headers }) => [status, headers["content-length"]])(await site.send("HEAD", address, { headers: MANAGER })), [200, `${REPORT.length}`]);
    const part = await site.get(address, { ...MANAGER, range: "bytes=1000-", "if-match": file.headers.etag });
    assert.equal(part.status, 206);
    assert.ok(part.body.equals(REPORT.subarray(1000)));
  });

  test("a grant is for one letter and for as long as the consent stands", async () => {
    const [letter, other] = [await site.put(REPORT), await site.put(REPORT)];
    const { reader, address, grant } = await button(letter);
    await site.browser().consent(other.path);
    assert.equal((await site.get(`${other.path}/report?download=1&grant=${grant}`, MANAGER)).status, 403);
    const changed = `${grant.slice(0, 20)}${grant[20] === "A" ? "B" : "A"}${grant.slice(21)}`;
    assert.equal((await site.get(`${letter.path}/report?download=1&grant=${changed}`, MANAGER)).status, 403);
    assert.equal((await site.get(address, MANAGER)).status, 200);
    assert.equal((await reader.submit(letter.path, "withdraw")).status, 303);
    const over = await site.get(address, MANAGER);
    assert.notEqual(over.status, 200);
    assert.ok(over.status >= 400 && !over.body.equals(REPORT), `${over.status}`);
  });

  test("only the download link of the page has it: no other address there, and not the envelope", async () => {
    const letter = await site.put(REPORT);
    assert.doesNotMatch((await site.browser().get(letter.path)).body.toString(), /grant=/);
    const { reader } = await button(letter);
    const page = (await reader.get(letter.path)).body.toString();
    assert.ok([...page.matchAll(/(?:href|action|src|data-report)="([^"]*)"/g)].every(([, at]) => at.includes("download=1&amp;grant=") || !at.includes("grant=")));
    const sealed = await site.put(REPORT, { endToEnd: true });
    const other = site.browser();
    await other.consent(sealed.path);
    assert.doesNotMatch((await other.get(sealed.path)).body.toString(), /grant=/);
  });
});
