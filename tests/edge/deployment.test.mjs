// What a deployment must be before it answers: reached over https, and told whose it is.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { forged } from "./lib/guard.mjs";
import { startSite } from "./lib/site.mjs";
import { startWorkerd } from "./lib/workerd.mjs";

/** The header x-url says what URL the platform would have seen. */
const ELSEWHERE = `
import Edge from "edge";
export * from "edge";
export default {
  fetch(request, env, ctx) {
    const url = request.headers.get("x-url");
    return new Edge(ctx, env).fetch(url ? new Request(url, request) : request);
  },
};
`;

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];

let site;
before(async () => (site = await startSite("deployment", { wrap: ELSEWHERE, run: (options) => startWorkerd({ ...options, tailed: true }) })));
after(() => site?.stop());

const at = (url, method = "GET", headers = {}, options = {}) => site.send(method, "/", { headers: { "x-url": url, ...(!["GET", "HEAD"].includes(method) && { "content-length": 0 }), ...headers }, ...options });
const shape = ({ status, raw, body }) => JSON.stringify([status, raw.filter(([name]) => name.toLowerCase() !== "date"), body.toString("latin1")]);

test("over plain HTTP every path, every method and every key gets one answer, and nothing counts", async () => {
  const letter = await site.put(randomBytes(100));
  const before = await site.record(letter);
  const api = { authorization: `Bearer ${site.apiKey}` };
  const paths = ["/", "/robots.txt", "/.well-known/security.txt", "/assets/viewer.js", "/log/checkpoint", "/favicon.ico", "/wp-login.php", "/.env", letter.path, `${letter.path}/report`, `${letter.path}/withdraw`, `${letter.path}%23KEY`, `/x${letter.token}`, forged(), `/api/v1/letters/${letter.letter}`, "/api/v1/guard"];
  for (const method of METHODS) {
    const seen = new Set();
    for (const path of paths) {
      for (const headers of [{}, api, { "x-forwarded-proto": "https" }]) seen.add(shape(await at(`http://letters.example.be${path}`, method, headers)));
    }
    assert.equal(seen.size, 1, `${method}: ${[...seen].join("\n")}`);
    const [status, , body] = JSON.parse([...seen][0]);
    const headers = Object.fromEntries(JSON.parse([...seen][0])[1].map(([name, value]) => [name.toLowerCase(), value]));
    assert.deepEqual([headers["cache-control"], headers.location], ["no-store", undefined]);
    assert.equal(status, 403);
    if (method === "HEAD") assert.equal(body, "");
    else assert.match(body, /<h1>A secure connection is needed<\/h1>/);
  }
  for (const host of ["evil.example", "10.0.0.1:8787", "[2001:db8::1]", "localhost.evil.example", "127.0.0.1.evil.example"]) assert.equal((await at(`http://${host}${letter.path}`)).status, 403, host);
  for (const host of ["localhost:8787", "127.0.0.2", "[::1]:80", "a.localhost"]) assert.equal((await at(`http://${host}${letter.path}`)).status, 200, host);
  const after = await site.record(letter);
  assert.deepEqual(after.events.map(({ kind }) => kind).slice(0, before.events.length), before.events.map(({ kind }) => kind));
  // Nobody is banned for what an intermediary may have done: forged links are a heavy strike elsewhere.
  const from = { address: "203.0.113.50" };
  for (let count = 0; count < 30; count += 1) await at(`http://letters.example.be${forged()}`, "GET", {}, from);
  assert.equal((await site.get(letter.path, {}, from)).status, 200);
  const bans = JSON.parse((await site.get("/api/v1/guard/bans", api)).body);
  assert.deepEqual(bans.bans ?? [], []);
});

test("a deployment that is nobody's serves this machine alone, and one line names what is left to set", async () => {
  const letter = await site.put(randomBytes(100));
  const silent = shape(await at("https://letters.vermeer.be/nothing"));
  for (const path of ["/robots.txt", letter.path, "/.well-known/security.txt", "/log/checkpoint", "/assets/viewer.js", `/api/v1/letters/${letter.letter}`]) {
    assert.equal(shape(await at(`https://letters.vermeer.be${path}`, "GET", { authorization: `Bearer ${site.apiKey}` })), silent, path);
  }
  await site.logged(/"code":"placeholders"/);
  const line = site.edge.output().split("\n").find((line) => line.includes('"code":"placeholders"'));
  for (const setting of ["SITE.name", "SITE.contact.email", "SITE.contact.phone", "SITE.security_contact", "SITE.log.origin"]) assert.ok(line.includes(setting), setting);
  assert.equal((await site.get(letter.path)).status, 200, "here it serves");

  // One after the other is set; the last one opens the door.
  const steps = [
    [/^name = "Garage Vermeer"$/m, 'name = "Garage De Smet"'],
    [/^email = .*$/m, 'email = "service@garage-de-smet.be"'],
    [/^phone = .*$/m, 'phone = "+32 2 555 12 12"'],
    [/^security_contact = .*$/m, 'security_contact = "mailto:security@garage-de-smet.be"'],
    [/$/, '\n[vars.SITE.log]\norigin = "letters.garage-de-smet.be/log"\n'],
  ];
  for (const [number, [from, to]] of steps.entries()) {
    writeFileSync(site.config, readFileSync(site.config, "utf8").replace(from, to));
    await site.crash();
    await site.restart();
    const answer = await at("https://letters.garage-de-smet.be/robots.txt");
    assert.equal(answer.status, number === steps.length - 1 ? 200 : 404, String(to));
  }
  assert.equal((await at(`https://letters.garage-de-smet.be${letter.path}`)).status, 200);
});
