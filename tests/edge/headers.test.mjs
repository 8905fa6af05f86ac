// Every header of the design, on every route.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { mintToken, uuid7 } from "./lib/seal.mjs";
import { startSite } from "./lib/site.mjs";

const COMMON = {
  "strict-transport-security": /^max-age=63072000$/,
  "referrer-policy": /^no-referrer$/,
  "cross-origin-opener-policy": /^same-origin$/,
  "cross-origin-resource-policy": /^same-origin$/,
  "x-content-type-options": /^nosniff$/,
  "x-frame-options": /^DENY$/,
  "x-robots-tag": /^noindex, nofollow, noarchive, nosnippet, noimageindex$/,
  "permissions-policy": /camera=\(\).*geolocation=\(\).*microphone=\(\)/,
};
// What a server says of itself, or lets others read.
const NEVER = ["server", "x-powered-by", "access-control-allow-origin", "last-modified", "link", "alt-svc", "cf-ray", "via"];
const CLOSED_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const policies = {
  page: (csp) => {
    const rules = new Map(csp.split(";").map((rule) => rule.trim().split(/ (.*)/s).slice(0, 2)));
    assert.equal(rules.get("default-src"), "'none'");
    assert.equal(rules.get("frame-ancestors"), "'none'");
    assert.equal(rules.get("base-uri"), "'none'");
    assert.equal(rules.get("form-action"), "'self'");
    assert.match(rules.get("style-src"), /^('self' )?'sha256-[A-Za-z0-9+/]{43}='$/);
    assert.ok(!/unsafe|\*|https?:/.test(csp), csp);
  },
  closed: (csp) => assert.equal(csp, CLOSED_POLICY),
  silent: (csp) => assert.match(csp, /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/),
  pdf: (csp) => assert.equal(csp, "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
  asset: (csp) => assert.match(csp, /^default-src 'none'; script-src 'self'; connect-src 'self';/),
};

let site, opened, sealed, person;
const routes = [];
before(async () => {
  site = await startSite("headers");
  opened = await site.put(Buffer.from("a report"));
  sealed = await site.put(Buffer.from("a report"), { endToEnd: true });
  const cancelled = await site.put(Buffer.from("a report"));
  const refused = await site.put(Buffer.from("a report"));
  const expired = await site.put(Buffer.from("a report"), { tokenEnd: Math.floor(Date.now() / 1000) - 1 });
  const gone = mintToken(site.keyring, uuid7(), Math.floor(Date.now() / 1000) + 900);
  site.remember(gone);
  await site.api("POST", `${cancelled.letter}/cancel`);
  await site.browser().submit(refused.path, "refuse");
  person = site.browser();
  await person.consent(opened.path);
  const private_ = site.browser();
  await private_.consent(sealed.path);
  const json = { accept: "application/json" };
  const route = (name, kind, status, answer) => routes.push({ name, kind, status, answer });
  const form = (fields) => ({ body: new URLSearchParams(fields).toString(), headers: { "content-type": "application/x-www-form-urlencoded" } });

  route("envelope", "page", 200, await site.get(sealed.path));
  route("envelope, HEAD", "page", 200, await site.send("HEAD", sealed.path));
  route("letter", "page", 200, await person.get(opened.path));
  route("letter, end to end", "page", 200, await private_.get(sealed.path));
  route("cancelled", "page", 410, await site.get(cancelled.path));
  route("refused", "page", 200, await site.get(refused.path));
  route("expired", "page", 410, await site.get(expired.path));
  route("missing", "page", 404, await site.get(`/${gone}`));
  route("unticked", "page", 422, await person.submit(sealed.path, "consent"));
  route("forged form", "page", 400, await site.send("POST", `${opened.path}/consent`, form({ nonce: "x" })));
  route("lost form", "page", 422, await site.send("POST", `${opened.path}/consent`, form({})));
  route("method", "page", 405, await site.send("PATCH", opened.path));
  route("report of a cancelled letter", "page", 410, await person.get(`${cancelled.path}/report`, { cookie: person.cookie() }).then(async (answer) => (answer.status === 403 ? site.get(cancelled.path) : answer)));
  route("envelope as JSON", "json", 200, await site.get(sealed.path, json));
  route("letter as JSON", "json", 200, await person.get(opened.path, json));
  route("closed as JSON", "json", 410, await site.get(cancelled.path, json));
  route("form error as JSON", "json", 400, await site.send("POST", `${opened.path}/consent`, { ...form({ nonce: "x" }), headers: { ...form({ nonce: "x" }).headers, ...json } }));
  route("api, letter", "json", 200, await site.api("GET", opened.letter));
  route("api, no content", "json", 204, await site.api("DELETE", `${uuid7()}/body`));
  route("api, problem", "problem", 404, await site.api("GET", uuid7()));
  route("api, not a UUID", "problem", 400, await site.api("GET", "nonsense"));
  route("api, no such route", "problem", 404, await site.api("GET", `${opened.letter}/nonsense`));
  route("report", "pdf", 200, await person.get(`${opened.path}/report`));
  route("report, HEAD", "pdf", 200, await person.send("HEAD", `${opened.path}/report`));
  route("report, part", "pdf", 206, await person.get(`${opened.path}/report`, { range: "bytes=0-1" }));
  route("report, unsatisfiable", "pdf", 416, await person.get(`${opened.path}/report`, { range: "bytes=99-" }));
  route("sealed report", "report", 200, await private_.get(`${sealed.path}/report`));
  route("report without a right", "page", 403, await site.get(`${opened.path}/report`));
  route("report without a right, as JSON", "problem", 403, await site.get(`${opened.path}/report`, json));
  route("back to the envelope", "redirect", 303, await site.get(`${opened.path}/history`));
  route("asked to withdraw", "page", 200, await site.get(`${opened.path}/withdraw`));
  route("repaired", "redirect", 302, await site.get(opened.path.toUpperCase()));
  route("consent", "redirect", 303, await site.browser().submit(opened.path, "consent", { change: { agree: "yes" } }));
  route("robots", "text", 200, await site.get("/robots.txt"));
  route("security.txt", "text", 200, await site.get("/.well-known/security.txt"));
  route("asset", "asset", 200, await site.get("/assets/viewer.js"));
  const hashed = readdirSync(join(ROOT, "assets")).find((name) => /^pdf-[0-9a-f]{10}\.js$/.test(name));
  route("asset with a hash", "asset", 200, await site.get(`/assets/${hashed}`));
  route("silence", "silent", 404, await site.get("/nobody-is-here"));
  route("silence, no key", "silent", 404, await site.api("GET", opened.letter, { key: null }));
  route("silence, no asset", "silent", 404, await site.get("/assets/none.js"));
});
after(() => site?.stop());

const TYPES = {
  page: "text/html; charset=utf-8",
  json: "application/json",
  problem: "application/problem+json",
  text: "text/plain; charset=utf-8",
  silent: "text/html; charset=utf-8",
  pdf: "application/pdf",
  report: "application/octet-stream",
  asset: "text/javascript; charset=utf-8",
};

test("every route carries every header of the design", () => {
  assert.ok(routes.length >= 35);
  for (const { name, kind, status, answer } of routes) {
    const { headers } = answer;
    assert.equal(answer.status, status, name);
    for (const [header, value] of Object.entries(COMMON)) assert.match(headers[header] ?? "(none)", value, `${name}: ${header}`);
    for (const header of NEVER) assert.equal(headers[header], undefined, `${name}: ${header}`);
    const names = answer.raw.map(([header]) => header.toLowerCase());
    assert.equal(new Set(names).size, names.length, `${name}: no header twice`);
    const policy = { page: "page", pdf: "pdf", asset: "asset", report: "report", silent: "silent" }[kind] ?? "closed";
    if (policy === "report") assert.match(headers["content-security-policy"], /^default-src 'none'; sandbox; /);
    else policies[policy](headers["content-security-policy"]);
    if (TYPES[kind] && status !== 416 && status !== 204) assert.equal(headers["content-type"], TYPES[kind], name);
    const cache = headers["cache-control"];
    if (kind === "asset" || kind === "text") assert.match(cache, /^public/);
    else assert.match(cache, /^no-store(, no-transform)?$/, name);
    if (kind !== "redirect") assert.equal(headers.location, undefined, name);
  }
});

test("a consent sets its cookie, a page with a form the form's, and nothing else sets one", () => {
  for (const { name, kind, answer } of routes) {
    const names = (answer.headers["set-cookie"] ?? []).map((line) => line.split("=")[0].replace(/[0-9a-f]{8}$/, ""));
    const forms = kind === "page" && answer.body.includes("<form");
    const expected = { consent: [["__Host-waxseal-"]], "envelope as JSON": [["__Host-waxseal-form-"]] }[name] ?? (forms ? [[], ["__Host-waxseal-form-"]] : [[]]);
    if (name === "envelope" || name === "asked to withdraw") assert.deepEqual(names, ["__Host-waxseal-form-"], name);
    if (name === "envelope, HEAD") continue;
    assert.ok(expected.some((list) => JSON.stringify(list) === JSON.stringify(names)), `${name}: ${names}`);
  }
});

test("a page holds nothing of others, no script in line, and its style under a hash", () => {
  for (const { name, kind, answer } of routes.filter(({ kind, answer }) => kind === "page" && answer.body.length > 0)) {
    const html = answer.body.toString();
    assert.ok(!/<script(?![^>]*\ssrc="\/assets\/)/.test(html), `${name}: ${kind} with script in line`);
    assert.ok(!/\s(on\w+|style)="/.test(html), `${name}: attributes that the policy forbids`);
    for (const [, address] of html.matchAll(/\s(?:src|href|action)="([^"]*)"/g)) {
      assert.match(address, /^(\/|data:image\/|mailto:|tel:|\?|#)/, `${name}: ${address}`);
      assert.ok(!address.startsWith("//"), address);
    }
  }
});

test("assets: what never changes is kept, the rest is asked about and need not come again", async () => {
  const viewer = await site.get("/assets/viewer.js");
  assert.equal(viewer.headers["cache-control"], "public, no-cache");
  assert.ok(viewer.headers.etag);
  const again = await site.get("/assets/viewer.js", { "if-none-match": viewer.headers.etag });
  assert.deepEqual([again.status, again.body.length, again.headers.etag], [304, 0, viewer.headers.etag]);
  assert.equal((await site.get("/assets/viewer.js", { "if-none-match": '"other"' })).status, 200);
  const files = readdirSync(join(ROOT, "assets"), { recursive: true });
  const hashed = files.filter((name) => /-[0-9a-f]{10}\.js$/.test(name) || /^pdfjs-.*\.bcmap$/.test(name));
  assert.ok(hashed.length > 2);
  for (const name of hashed.slice(0, 10)) {
    const answer = await site.get(`/assets/${name}`);
    assert.equal(answer.headers["cache-control"], "public, max-age=31536000, immutable", name);
  }
});

test("robots.txt refuses all, security.txt says whom to tell", async () => {
  assert.match((await site.get("/robots.txt")).body.toString(), /^User-agent: \*\nDisallow: \/\n/);
  const text = (await site.get("/.well-known/security.txt")).body.toString();
  assert.match(text, /^Contact: mailto:security@garage-vermeer\.example$/m);
  const expires = new Date(/^Expires: (.*)$/m.exec(text)[1]);
  assert.ok(expires > Date.now() + 86_400_000 && expires < Date.now() + 366 * 86_400_000);
});
