// A letter in one call: a plain report in, its link and message out, from the clients that people have.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { SHELVES } from "./lib/backdoor.mjs";
import { uploadsOnDisk } from "./lib/bucket.mjs";
import { created, formOf, PDF } from "./lib/create.mjs";
import { document } from "./lib/document.mjs";
import { startSite, until } from "./lib/site.mjs";

const MIB = 1024 * 1024;
let site;
/** A key that may create and nothing else. */
let key;
before(async () => {
  site = await startSite("create", { wrap: SHELVES });
  const answer = await site.send("POST", "/api/v1/keys", { headers: { authorization: `Bearer ${site.apiKey}` }, body: JSON.stringify({ name: "kiosk", scopes: ["create"] }) });
  ({ key } = JSON.parse(answer.body));
  site.remember(key);
});
after(() => site?.stop());

const create = (options) => created(site, { key, ...options });
const refused = async (options) => {
  const answer = await create(options);
  assert.equal(answer.headers["content-type"], "application/problem+json", answer.body.toString());
  const { code, detail } = JSON.parse(answer.body);
  return [answer.status, code, detail];
};
// The log goes on by itself, behind what was answered.
const shelves = async () => JSON.parse((await site.send("GET", "/__bucket?prefix=")).body).map(({ key }) => key).filter((name) => !name.startsWith("log/"));

/** Opens the link as its recipient, and answers the report. */
async function opened(link) {
  const person = site.browser();
  const { pathname } = new URL(link);
  const envelope = await person.get(pathname);
  assert.equal(envelope.status, 200, envelope.body.toString());
  await person.consent(pathname);
  const report = await person.get(`${pathname}/report`);
  assert.equal(report.status, 200);
  return { envelope: envelope.body.toString(), report };
}

const clients = {
  "curl -F": ({ url, file, fields }) =>
    execFileSync("curl", ["-sS", "--fail-with-body", `${url}/api/v1/letters`, "-H", `Authorization: Bearer ${key}`, "-F", `letter=${JSON.stringify(fields)};type=application/json`, "-F", `report=@${file}`], { encoding: "utf8" }),
  "fetch of Node": async ({ url, bytes, fields }) => {
    const form = new FormData();
    form.set("letter", new Blob([JSON.stringify(fields)], { type: "application/json" }));
    form.set("report", new File([bytes], "inspection.pdf", { type: "application/pdf" }));
    return (await fetch(`${url}/api/v1/letters`, { method: "POST", headers: { authorization: `Bearer ${key}` }, body: form })).text();
  },
  "waxseal letters create": ({ url, file, fields }) => {
    const options = { subject: fields.subject, customer: fields.customer, letter: fields.reference, lang: fields.language, expires: "7d", retention: "30" };
    return waxseal(url, file, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]));
  },
  "Python, by hand": ({ url, file, fields }) => execFileSync("python3", ["-c", PYTHON, `${url}/api/v1/letters`, key, JSON.stringify(fields), file], { encoding: "utf8" }),
};

/** The command line, with the key alone. */
function waxseal(url, file, ...options) {
  const env = { PATH: process.env.PATH, WAXSEAL_API_KEY: key };
  return execFileSync(process.env.WAXSEAL_BIN, ["letters", "create", file, "--url", url, "--json", "--quiet", ...options], { env, encoding: "utf8" });
}

const PYTHON = `
import sys, urllib.request
url, key, fields, file = sys.argv[1:]
boundary = "b7f1"
part = lambda head, body: b"--" + boundary.encode() + b"\\r\\nContent-Disposition: form-data; " + head + b"\\r\\n\\r\\n" + body + b"\\r\\n"
body = part(b'name="letter"', fields.encode()) + part(b'name="report"; filename="inspection.pdf"', open(file, "rb").read()) + b"--" + boundary.encode() + b"--\\r\\n"
headers = {"Authorization": "Bearer " + key, "Content-Type": "multipart/form-data; boundary=" + boundary}
print(urllib.request.urlopen(urllib.request.Request(url, body, headers)).read().decode())
`;

for (const [client, send] of Object.entries(clients)) {
  test(`${client}: a letter is there, and its link opens it`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "waxseal-create-"));
    const bytes = Buffer.concat([PDF, randomBytes(200_000)]);
    const file = join(folder, "inspection.pdf");
    writeFileSync(file, bytes);
    const subject = `Your inspection, by ${client}`;
    const fields = { subject, customer: "C-1042", reference: "2026-7", language: "de", days: 7, retention_days: 30, actions: ["accept"] };
    const answer = JSON.parse(await send({ url: site.url, file, bytes, fields }));
    rmSync(folder, { recursive: true });
    site.remember(new URL(answer.link).pathname.slice(1));
    assert.ok(answer.link.startsWith(`${site.url}/`), "whole");
    assert.ok(Math.abs(answer.not_after - Date.now() / 1000 - 7 * 86_400) < 60);
    const { message } = answer;
    assert.equal(answer.new, true);
    assert.ok(message.subject.includes(subject) && message.subject.includes("Garage Vermeer"));
    for (const form of [message.text, message.html, message.sms.text]) assert.ok(form.includes(answer.link), form);
    assert.match(message.html, /^<!doctype html>\s*<html lang="de"/i);
    assert.deepEqual([message.headers["List-Unsubscribe"], message.headers["Auto-Submitted"]], [`<${answer.link}/withdraw>`, "auto-generated"]);
    for (const hidden of ["C-1042", "2026-7", "inspection.pdf"]) assert.ok(!JSON.stringify(message).includes(hidden), hidden);

    const { envelope, report } = await opened(answer.link);
    assert.ok(envelope.includes(subject) && envelope.includes('lang="de"'));
    assert.ok(report.body.equals(bytes), "the bytes that went in");
    assert.deepEqual([report.headers["content-type"], /filename="inspection.pdf"/.test(report.headers["content-disposition"])], ["application/pdf", true]);
    assert.deepEqual((await site.kinds(answer.letter)).slice(0, 1), ["sealed"]);
  });
}

test("the command line run again answers the same letter, and says what is wrong", () => {
  const folder = mkdtempSync(join(tmpdir(), "waxseal-create-"));
  const file = join(folder, "scan.png");
  writeFileSync(file, randomBytes(1_000));
  const run = (...options) => JSON.parse(waxseal(site.url, file, "--subject", "S", "--idempotency-key", "order-1", ...options));
  const [first, again] = [run(), run()];
  site.remember(new URL(first.link).pathname.slice(1));
  assert.deepEqual([first.new, again.new, again.link], [true, false, first.link]);
  const fails = (words, ...options) => assert.throws(() => run(...options), ({ status, stderr }) => JSON.parse(stderr).error && stderr.includes(words) && status > 0);
  fails("another letter", "--customer", "C");
  fails("customer: must have 1 to 200 characters", "--customer", "");
  rmSync(folder, { recursive: true });
  fails("could not be opened");
});

test("reports of every length come back, in one write and in parts", async () => {
  for (const length of [1, 65_518, 65_519, 65_520, 131_038, 5 * MIB - 2_000, 5 * MIB, 5 * MIB + 1, 10 * MIB, 12 * MIB + 345]) {
    const bytes = randomBytes(length);
    const answer = await create({ report: bytes });
    assert.equal(answer.status, 201, answer.body.toString());
    const { report } = await opened(JSON.parse(answer.body).link);
    assert.ok(report.body.equals(bytes), String(length));
  }
});

test("what a report is, is found out where nobody says it", async () => {
  for (const [head, report, letter, [type, name]] of [
    ['filename="scan"', PDF, {}, ["application/pdf", "scan"]],
    ["", PDF, {}, ["application/pdf", "report.pdf"]],
    ['filename=""\r\nContent-Type: application/octet-stream', PDF, {}, ["application/pdf", "report.pdf"]],
    ['filename="C:\\dir\\a.PNG"', PDF, {}, ["image/png", "a.PNG"]],
    ['filename="a.bin"\r\nContent-Type: image/png', PDF, {}, ["image/png", "a.bin"]],
    ['filename="a.bin"\r\nContent-Type: image/png', PDF, { media_type: "image/gif", file_name: "b.gif" }, ["image/gif", "b.gif"]],
    ['filename="note.txt"', Buffer.from("Prüfbericht"), {}, ["text/plain; charset=utf-8", "note.txt"]],
    ['filename="note.txt"', Buffer.from("Pr\xfcfbericht", "latin1"), {}, ["application/octet-stream", "note.txt"]],
    ['filename="a.dwg"', Buffer.from("AC1032"), {}, ["application/octet-stream", "a.dwg"]],
  ]) {
    const answer = await create({ head, report, letter });
    assert.equal(answer.status, 201, answer.body.toString());
    const { report: read } = await opened(JSON.parse(answer.body).link);
    assert.deepEqual([read.headers["content-type"], /filename="([^"]*)"/.exec(read.headers["content-disposition"])[1]], [type, name], head);
  }
});

test("every wrong field is named", async () => {
  const now = Math.floor(Date.now() / 1000);
  for (const [field, values] of Object.entries({
    subject: [undefined, null, "", " ", 7, "a\nb", "x".repeat(201), "\u202efdp.exe", "\u200b"],
    customer: ["", 7, "x".repeat(201), ["a"]],
    reference: ["", {}, "a\u0000b"],
    language: ["not a tag", "", 1],
    terms: ["A".repeat(64), "abc", 0],
    not_after: [now, 0, -1, 2 ** 32, 2 ** 53, "2026-12-31", 1.5],
    days: [0, -1, "30", 1e9, 40_000, 2 ** 40, 0.5],
    retention_days: [0, 3_654, 70_000, "1"],
    file_name: ["", "x".repeat(256), 1],
    media_type: ["pdf", "text/plain\r\nx: y", 1],
    actions: [["nod"], "accept", [1]],
    unheard_of: [1, null],
    length: [1],
  })) {
    for (const value of values) {
      const [status, code, detail] = await refused({ letter: { [field]: value } });
      assert.deepEqual([status, code], [422, "letter_fields"], `${field} ${JSON.stringify(value)}: ${detail}`);
      assert.ok(detail.startsWith(field), detail);
    }
  }
  assert.match((await refused({ letter: { days: 1, not_after: now + 100 } }))[2], /^days: say days or not_after/);
  assert.deepEqual((await refused({ letter: { terms: "0".repeat(64) } })).slice(0, 2), [422, "unknown_terms"]);
  for (const json of ["", "{", "[]", "null", '"x"', "\xff"]) assert.deepEqual((await refused({ json })).slice(0, 2), [422, "letter_fields"], json);
  assert.deepEqual((await refused({ json: JSON.stringify({ subject: "x".repeat(70_000) }) })).slice(0, 2), [413, "too_large"]);
});

test("what is no such form is told so, and leaves nothing", async () => {
  const before = await shelves();
  for (const [body, type] of [
    ["", "multipart/form-data; boundary=b"],
    ["{}", "application/json"],
    ["--b--\r\n", "multipart/form-data; boundary=b"],
    [formOf({ boundary: "b" }), "multipart/form-data; boundary=c"],
    [formOf({ boundary: "b" }).subarray(0, -8), "multipart/form-data; boundary=b"],
    [Buffer.concat([formOf({ boundary: "b" }), Buffer.from("more")]), "multipart/form-data; boundary=b"],
    [formOf({ boundary: "b", report: randomBytes(6 * MIB) }).subarray(0, -8), "multipart/form-data; boundary=b"],
  ]) {
    const answer = await site.send("POST", "/api/v1/letters", { headers: { authorization: `Bearer ${key}`, "content-type": type, "content-length": body.length }, body });
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [400, "form_data"], type);
  }
  assert.deepEqual((await refused({ report: Buffer.alloc(0) })).slice(0, 2), [400, "empty"]);
  assert.deepEqual(await shelves(), before);
});

test("more than a request may carry is told what to do, and leaves nothing", async () => {
  const before = await shelves();
  const [status, code, detail] = await refused({ report: Buffer.alloc(95 * MIB) });
  assert.deepEqual([status, code], [413, "too_large"]);
  assert.match(detail, /waxseal seal/);
  // In chunks nobody knows beforehand.
  const chunked = await refused({ report: Buffer.alloc(95 * MIB), headers: { "transfer-encoding": "chunked" } });
  assert.deepEqual(chunked.slice(0, 2), [413, "too_large"]);
  assert.deepEqual(await shelves(), before);
  assert.deepEqual(uploadsOnDisk(site.state).begun, []);
});

test("a report that breaks off leaves nothing", async () => {
  const before = await shelves();
  const whole = formOf({ boundary: "b", report: randomBytes(13 * MIB) });
  const head = `POST /api/v1/letters HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\nAuthorization: Bearer ${key}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${whole.length}\r\n\r\n`;
  for (const at of [0, 20, 150, 70_000, 4 * MIB, 6 * MIB, 11 * MIB, whole.length - 1]) {
    const parts = uploadsOnDisk(site.state).all.length;
    await new Promise((resolve, reject) => {
      const socket = connect(site.port, "127.0.0.1", () =>
        socket.write(Buffer.concat([Buffer.from(head), whole.subarray(0, at)]), async () => {
          // It has come as far as this before the line is cut.
          if (at > 5.5 * MIB) await until(() => uploadsOnDisk(site.state).all.length > parts, { every: 20 });
          socket.destroy();
        }),
      );
      socket.on("close", resolve);
      socket.on("error", (error) => reject(new Error(`at ${at}`, { cause: error })));
    });
    await until(() => uploadsOnDisk(site.state).begun.length === 0, { every: 20 });
    assert.deepEqual(await shelves(), before, String(at));
  }
});

test("a bucket that fails: try again later, and nothing is left", async () => {
  const before = await shelves();
  for (const [keys, operation] of [["letters/", "put"]]) {
    await site.send("POST", "/__broken", { body: JSON.stringify({ bucket: operation, keys }) });
    const answer = await create({});
    assert.equal(answer.status, 503, answer.body.toString());
    assert.ok(Number(answer.headers["retry-after"]) > 0);
    await site.send("POST", "/__broken", { body: "{}" });
    assert.deepEqual(await shelves(), before);
  }
  assert.equal((await create({})).status, 201);
});

test("an answer says the limit of the API, and each problem leads to its documentation", async () => {
  const answer = await create({ letter: { subject: "" } });
  assert.match(answer.headers["ratelimit-policy"], /^"api";q=[1-9]\d*;w=60$/);
  const { type, code } = JSON.parse(answer.body);
  const { pathname, hash } = new URL(type, `${site.url}/api/v1/letters`);
  assert.deepEqual([pathname, hash], ["/api/v1/reference", `#${code}`]);
  const page = readFileSync(join(ROOT, "docs/reference.html"), "utf8");
  for (const { code } of document["x-problems"]) assert.ok(page.includes(`id="${code}"`), code);
});

test("a key that only creates reads nothing, on any route", async () => {
  const { letter } = JSON.parse((await create({})).body);
  const names = { letter, upload: "none", part: "1", sha256: "0".repeat(64), id: "00000000", target: "192.0.2.1" };
  for (const [template, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const path = template.replace(/\{(\w+)\}/g, (_, name) => names[name] ?? "0");
      const answer = await site.send(method.toUpperCase(), path, { headers: { authorization: `Bearer ${key}`, "content-length": 0 } });
      const scope = operation.security[0].key[0];
      // What every key may is public.
      if (scope === undefined) assert.equal(answer.status, 200, path);
      else if (scope !== "create") assert.deepEqual([answer.status, JSON.parse(answer.body).code], [403, "scope"], path);
      else assert.ok(answer.status >= 400, `${method} ${path}: ${answer.status}`);
    }
  }
});
