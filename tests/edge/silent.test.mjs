// The silent answer: whoever has no genuine link and no key learns nothing, not even that they were seen. Every hostile
// request is compared, byte for byte, with one for a path that does not exist, of the same method.
//
// Left out, because the runtime's HTTP parser answers them before any of our code runs, here as in production:
// methods it does not know (`FOO`, `get`), CONNECT, request lines that are no HTTP (`GET`, `GET /x HTTP/9`, a bare
// newline), raw bytes that no URI may hold (`<`, `>`, white space, bytes above 0x7e), header lines without a colon, a
// header block above its limit, two different Content-Lengths. `PARSER` below holds that they never reach us.
// Left out too, because only the local front answers them: paths under `/cdn-cgi/` that are its own.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freshAddress } from "./lib/addresses.mjs";
import { wire } from "./lib/http.mjs";
import { apiKey, crockford, mintToken, newKeyring, seal, uuid7 } from "./lib/seal.mjs";
import { SILENT } from "./lib/silent.mjs";
import { startSite } from "./lib/site.mjs";

const NOW = Math.floor(Date.now() / 1000);
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "MKCOL", "REPORT", "SEARCH", "PURGE"];
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

const keyring = newKeyring({ active: 7, retired: [{ id: 3, not_after: NOW - 60 }] });
const stranger = newKeyring();
let site, letter;
before(async () => {
  site = await startSite("silent", { keyring });
  letter = await site.put(randomBytes(10_000));
});
after(() => site?.stop());

/** What is compared: all of the answer but its date and the fate of the connection. Header names as they came, in order. */
function shape(answer) {
  // The local front closes a connection whose request has more of a body than anybody read.
  const raw = answer.raw.filter(([name]) => !/^(date|connection|keep-alive)$/i.test(name));
  return { status: answer.status, raw, body: answer.body.toString() };
}

/** The headers but how the body is framed: the local front sends pages in chunks, and says of none how long it is. */
const framed = ({ raw }) => raw.filter(([name]) => !/^(content-length|transfer-encoding)$/i.test(name));

/** Every spelling of a token that is not one, and holds no genuine one in disguise either. */
function tokens() {
  const good = letter.token;
  const at = (index, character) => good.slice(0, index) + character + good.slice(index + 1);
  const list = [];
  for (let index = 0; index < good.length; index += 1) {
    list.push(at(index, ALPHABET[(ALPHABET.indexOf(good[index]) + 7) % 32]));
    list.push(at(index, "u"), good.slice(0, index));
  }
  for (let index = 0; index < 30; index += 1) list.push(good.slice(0, index) + good.slice(index + 1), at(index, "%22"));
  for (let index = 1; index < 60; index += 7) list.push(`${good.slice(0, index)}x${good.slice(index)}`);
  list.push(good.split("").reverse().join(""), good.slice(33) + good.slice(0, 33));
  // Forged: the check holds, the tag does not; of other keys, of retired ones, of keys that never were.
  for (let count = 0; count < 25; count += 1) list.push(mintToken(stranger, uuid7(), NOW + 900));
  for (let count = 0; count < 10; count += 1) list.push(mintToken(keyring, uuid7(), NOW + 900, 3));
  list.push(mintToken(stranger, letter.letter, letter.manifest.not_after), mintToken(keyring, letter.letter, letter.manifest.not_after, 3));
  for (const length of [1, 16, 40, 41, 42, 64, 256]) list.push(crockford(randomBytes(length)));
  return list;
}

const PATHS = [
  "/", "//", "///", "/.", "/?", "/#", "/a/b/c/d", "/.env", "/wp-login.php", "/index.html", "/favicon.ico", "/assets", "/assets/", "/assets/.", "/assets/x",
  "/assets/viewer.js.map", "/assets/%2e%2e/wrangler.toml", "/assets/..%2findex.js", "/assets//viewer.js", "/assets/viewer.js/", "/assets/viewer%2ejs", "/assets/VIEWER.JS",
  "/assets/LICENSE", "/build/index.js", "/index_bg.wasm", "/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/letters", "/api/v2/letters", "/api/v1//", "/API/V1/letters",
  "/api/v1/letters/", "/robots.txt/", "/robots.txt%00", "/Robots.txt", "/.well-known/", "/.well-known/security.txt/", "/.well-known/change-password", "/desk", "/desk/",
  "/cdn-cgi/nothing", "/%", "/%zz", "/%ff%fe", "/%00", "/%0d%0aSet-Cookie:%20a=b", "/%2e%2e%2f%2e%2e%2fetc/passwd", "/..%5c..%5cwindows", "/%c3%a9", "/%3cscript%3ealert(1)%3c/script%3e",
  "/'%20OR%201=1--", "/${jndi:ldap://x/a}", "/{{7*7}}", "/;jsessionid=1", "/a?b?c#d", "/?lang=nl", "/?%00", "/report", "/consent", "/withdraw", "/TOKEN/report",
  "/" + "a".repeat(66), "/" + "0".repeat(66), "/" + "z".repeat(66), "/" + "a".repeat(510), "/" + "a".repeat(511), "/" + "a".repeat(512), "/" + "a".repeat(4_000), "/" + "%41".repeat(300), "/" + "/".repeat(400), "/a/".repeat(150),
  "/letters/", "/https://evil.example/", "//evil.example/", "/\\evil.example", "/%2f%2fevil.example",
];

const HEADERS = [
  { accept: "application/json" }, { accept: "text/html" }, { accept: "\u00ff" }, { "accept-encoding": "identity" }, { "accept-language": "nl" }, { "accept-language": "x".repeat(5_000) },
  { range: "bytes=0-0" }, { range: "bytes=9007199254740993-" }, { "if-range": '"x"' }, { "if-none-match": "*" }, { "if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT" }, { origin: "null" },
  { origin: "https://evil.example" }, { referer: "https://evil.example/?" }, { cookie: "a=b" }, { cookie: `__Host-waxseal-00000000=${"A".repeat(44)}` }, { cookie: "=".repeat(8_000) }, { cookie: ";;;=;=;" },
  { authorization: "Basic YTpi" }, { authorization: "Bearer" }, { "x-forwarded-for": "1.2.3.4" }, { "x-forwarded-host": "evil.example" }, { "x-original-url": "/api/v1/letters" }, { "x-http-method-override": "DELETE" },
  { "user-agent": "" }, { "user-agent": "Googlebot/2.1" }, { "user-agent": "\t\u00fe" }, { "cf-connecting-ip": "not an address" }, { "cf-connecting-ip": "::1" }, { "content-type": "multipart/form-data" },
  { "sec-fetch-mode": "navigate" }, { "sec-purpose": "prefetch" }, { te: "trailers" }, { "x-junk": "j".repeat(12_000) }, { upgrade: "h2c", connection: "upgrade, http2-settings", "http2-settings": "AAMAAABk" },
  { expect: "100-continue" }, { "access-control-request-method": "PUT", origin: "https://evil.example" }, { host: "[::1]:80" }, { host: "localhost" }, { forwarded: "for=unknown" }, { "max-forwards": "0" },
];

function keys() {
  const good = site.apiKey;
  return [
    undefined, "", "Bearer ", "Bearer x", "Bearer wsk_", "Bearer wsk_07_", `Bearer ${good.slice(0, -1)}`, `Bearer ${good}0`, `Bearer ${good.toUpperCase()}`, `bearer${good}`, `Basic ${good}`, good,
    `Bearer ${good.slice(0, 10)}${"0".repeat(good.length - 10)}`, `Bearer ${apiKey(stranger)}`, `Bearer ${apiKey(keyring, 3)}`, `Bearer ${apiKey(keyring, 3).replace("wsk_03", "wsk_07")}`, `Bearer wsk_zz_${good.slice(7)}`,
    `Bearer wsk_+7_${good.slice(7)}`, `Bearer ${"w".repeat(9_000)}`, `Bearer ${good},Bearer ${good}`, "Bearer \u00ff",
  ];
}

/** All hostile requests: `[what, method, path, headers, body]`. */
function hostile() {
  const all = [];
  const add = (what, method, path, headers = {}, body) => all.push([what, method, path, headers, body]);
  for (const token of tokens()) add("token", "GET", `/${token}`);
  for (const token of tokens().filter((_, index) => index % 9 === 0)) {
    add("token, HEAD", "HEAD", `/${token}`);
    for (const rest of ["/report", "/consent", "/withdraw", "/", "/a/b?lang=nl", "?lang=nl"]) add("below a token", "GET", `/${token}${rest}`);
    add("one click", "POST", `/${token}/withdraw`, { "content-type": "application/x-www-form-urlencoded", "content-length": 26 }, "List-Unsubscribe=One-Click");
  }
  for (const path of PATHS) add("path", "GET", path);
  for (const method of METHODS) for (const path of ["/", "/x", "/assets/viewer.js", "/api/v1/letters/x", "/report", `/${letter.token.slice(1)}`]) if (!(path === "/assets/viewer.js" && (method === "GET" || method === "HEAD"))) add("method", method, path);
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]) for (const path of ["/robots.txt", "/.well-known/security.txt"]) add("method", method, path);
  for (const headers of HEADERS) {
    add("headers", "GET", "/a", headers);
    add("headers", "GET", `/${mintToken(stranger, letter.letter, NOW + 900)}/report`, headers);
    add("headers", "GET", `/api/v1/letters/${letter.letter}`, headers);
  }
  for (const authorization of keys()) {
    const headers = authorization === undefined ? {} : { authorization };
    for (const [method, path] of [["GET", letter.letter], ["HEAD", letter.letter], ["POST", `${letter.letter}/cancel`], ["PUT", `${letter.letter}/body`], ["PUT", `${letter.letter}/manifest`], ["POST", `${letter.letter}/uploads`], ["DELETE", `${letter.letter}/body`], ["GET", "not-a-uuid"]]) {
      add("key", method, `/api/v1/letters/${path}`, headers);
    }
  }
  const body = randomBytes(100_000);
  for (const path of ["/x", `/api/v1/letters/${letter.letter}/body`, `/${letter.token.slice(1)}/consent`]) {
    add("body", "POST", path, { "content-length": body.length }, body);
    add("body", "PUT", path, { "transfer-encoding": "chunked" }, body);
    add("body", "POST", path, { "content-type": "multipart/form-data; boundary=x", "content-length": 4 }, "--x-");
    add("body", "DELETE", path, { "content-length": 1 }, "x");
  }
  return all;
}

test("five hundred and more hostile requests, one answer", async () => {
  const before = stored();
  const requests = hostile();
  assert.ok(requests.length >= 500, `${requests.length} requests`);
  const unknown = new Map();
  const reference = async (method) => {
    if (!unknown.has(method)) unknown.set(method, shape(await site.send(method, "/no-such-page")));
    return unknown.get(method);
  };
  const queue = requests.entries();
  const differ = [];
  const work = async () => {
    for (const [number, [what, method, path, headers, body]] of queue) {
      const answer = shape(await site.send(method, path, { headers, body }));
      try {
        assert.deepEqual(answer, await reference(method));
      } catch (error) {
        differ.push(`${number} ${what}: ${method} ${path.slice(0, 90)} ${JSON.stringify(headers).slice(0, 120)}\n${error.message.slice(0, 700)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  assert.deepEqual(differ, []);
  // The one answer is what it should be.
  const get = unknown.get("GET");
  assert.deepEqual([get.status, get.body], [404, SILENT]);
  for (const [method, answer] of unknown) {
    assert.equal(answer.status, 404, method);
    assert.equal(answer.body, method === "HEAD" ? "" : SILENT, method);
    assert.deepEqual(framed(answer), framed(get), `${method}: the same headers in the same order`);
    if (method === "HEAD") assert.ok(answer.raw.some(([name, value]) => /^content-length$/i.test(name) && value === String(Buffer.byteLength(SILENT))));
  }
  console.log(`${requests.length} hostile requests over ${unknown.size} methods: one answer`);
  assert.deepEqual(stored(), before, "and nothing was stored for any of them");
  assert.deepEqual(await site.kinds(letter), ["sealed"], "nor on the record of the letter they were after");
});

test("the same on bare sockets, with request lines that no client library sends", async () => {
  const from = () => `\r\nCF-Connecting-IP: ${freshAddress()}`;
  const close = (host = "localhost") => `${from()}\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  const plain = (bytes) => bytes.toString("latin1").replace(/^date:.*\r\n/im, "");
  const unknown = plain(await wire(site.port, `GET /no-such-page HTTP/1.1${close()}`));
  assert.match(unknown, /^HTTP\/1\.1 404 /);
  const forged = mintToken(stranger, letter.letter, NOW + 900);
  const lines = [
    "GET /a#b HTTP/1.1", "GET /#token HTTP/1.1", `GET /${forged}#aaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1`, "GET http://127.0.0.1/x HTTP/1.1",
    "GET /x%0d%0aX:%20y HTTP/1.1", "GET //x HTTP/1.1", "GET /./../x HTTP/1.1", "GET /a\\b HTTP/1.1", "GET /a|b HTTP/1.1", 'GET /"x" HTTP/1.1', "GET /a'b(c)[d]{e}~!$&*+,= HTTP/1.1", "GET /?? HTTP/1.1", `GET /${forged}/../../x HTTP/1.1`,
    `GET /${"%2e%2e/".repeat(30)} HTTP/1.1`, "GET /x;y=z HTTP/1.1", "GET /:80 HTTP/1.1", "GET /@evil HTTP/1.1",
  ];
  for (const line of lines) assert.equal(plain(await wire(site.port, `${line}${close()}`)), unknown, line);
  for (const host of ["127.0.0.1:1", "localhost:65535", "LOCALHOST"]) assert.equal(plain(await wire(site.port, `GET /no-such-page HTTP/1.1${close(host)}`)), unknown, host);
  // In the clear over a network: one answer, whatever was asked for.
  const clear = plain(await wire(site.port, `GET /no-such-page HTTP/1.1${close("evil.example")}`));
  assert.match(clear, /^HTTP\/1\.1 403 [\s\S]*cache-control: no-store/i);
  for (const host of ["evil.example", "a.b:65535", "xn--a", "10.0.0.1"]) {
    for (const line of ["GET / HTTP/1.1", `GET ${letter.path} HTTP/1.1`, `GET /${forged} HTTP/1.1`, "GET /robots.txt HTTP/1.1"]) assert.equal(plain(await wire(site.port, `${line}${close(host)}`)), clear, `${host}: ${line}`);
  }
  for (const path of ["x", forged, letter.token]) assert.equal(plain(await wire(site.port, `GET http://evil.example/${path} HTTP/1.1${close("evil.example")}`)), clear, path);
});

test("what the runtime's own parser refuses never reaches us, and is refused alike for genuine and forged links", async () => {
  const PARSER = ["/<x>", "/a\tb", "/\u00ff\u00fe", "/x HTTP/9", ""];
  const ask = async (path) => (await wire(site.port, Buffer.from(`GET ${path} HTTP/1.1\r\nCF-Connecting-IP: ${freshAddress()}\r\nHost: localhost\r\nConnection: close\r\n\r\n`, "latin1"))).toString("latin1").replace(/^date:.*\r\n/im, "");
  for (const junk of PARSER) {
    const [genuine, forged] = [await ask(letter.path + junk), await ask(`/${mintToken(stranger, letter.letter, NOW + 900)}${junk}`)];
    if (junk === "") assert.match(genuine, /^HTTP\/1\.1 200 /);
    else {
      assert.match(genuine, /^HTTP\/1\.1 4\d\d /, JSON.stringify(junk));
      assert.equal(genuine, forged, JSON.stringify(junk));
    }
  }
});

test("a genuine link with junk behind it is a person, and still nothing leaks to others", async () => {
  const answer = await site.get(`${letter.path}/%00/../../x`);
  assert.ok([200, 302, 303, 404].includes(answer.status));
  const sealedElsewhere = seal(stranger, randomBytes(10));
  assert.equal((await site.get(sealedElsewhere.path)).status, 404);
});

/** The files in which ledgers and objects lie. Not those of LogRelay: it writes out the counts of strangers, too, and keeps nothing. */
function stored() {
  const kept = (name) => !/-(wal|shm)$/.test(name) && !/^waxseal-LogRelay($|\/)/.test(name);
  const list = (folder) => (existsSync(folder) ? readdirSync(folder, { recursive: true }).filter(kept).sort() : []);
  return ["do", "r2"].flatMap((store) => list(join(site.state, "v3", store)));
}
