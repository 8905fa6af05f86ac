// What mail programs, trackers, messengers and people make of a link, on the wire: every row of ../vectors/links.tsv as it
// stands there, and that nobody who holds a genuine link was struck for it. docs/TOKEN.md, "Reading a link".

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { freshAddress } from "./lib/addresses.mjs";
import { shape, startGuarded } from "./lib/guard.mjs";
import { mintToken, newKeyring, uuid7 } from "./lib/seal.mjs";
import { until } from "./lib/site.mjs";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const VISIT = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64)", "sec-fetch-mode": "navigate", "sec-fetch-site": "none" };
const FORM = { "content-type": "application/x-www-form-urlencoded", "content-length": 26 };
const ONE_CLICK = "List-Unsubscribe=One-Click";

let site, letter, sealed, words;
before(async () => {
  site = await startGuarded("links");
  letter = await site.put(randomBytes(2_000));
  sealed = await site.put(randomBytes(2_000), { endToEnd: true });
  words = spellings(sealed.token, sealed.fragment);
});
after(() => site?.stop());

const escape = (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0").toUpperCase()}`).join("");
const wide = (c) => escape(String.fromCharCode(c.charCodeAt(0) + 0xfee0));

/** What the words of `links.tsv` stand for. */
function spellings(token, key) {
  const each = (spell) => [...token].map(spell).join("");
  const other = ALPHABET[(ALPHABET.indexOf(token[39]) + 11) % 32];
  return {
    CHANGED: token.slice(0, 39) + other + token.slice(40),
    SHORT: token.slice(0, 11) + token.slice(12),
    FOREIGN: mintToken(newKeyring(), uuid7(), Math.floor(Date.now() / 1000) + 86_400),
    DIGITS: each((c) => (/[0-9]/.test(c) ? wide(c) : c)),
    FULL: each(wide),
    HALF: key.slice(0, 13),
    REST: key.slice(13),
    DASHES: "-".repeat(480),
    WIDE: each((c, at) => (at % 2 === 0 ? wide(c) : c)),
    ESCAPED: each(escape),
    TWICE: each((c) => escape(c).replace("%", "%25")),
    LOOKS: token.replaceAll("0", "o").replaceAll("1", "l"),
    NULLS: each((c) => `${c}%00`),
    GROUPS: each((c, at) => (at % 6 === 5 ? `${c}-` : c)),
    LONG: "x".repeat(600),
    UPPER: token.toUpperCase(),
    TOKEN: token,
    TOK: token.slice(0, 30),
    EN: token.slice(30),
    KEY: key,
    HOST: "letters.example",
  };
}

const ROWS = readFileSync(new URL("../vectors/links.tsv", import.meta.url), "utf8")
  .split("\n")
  .filter((row) => row !== "" && !row.startsWith("#"))
  .map((row) => row.split("\t"))
  .filter(([, text]) => !text.startsWith("paste:"));
const filled = (text) => text.replace(/FULL|HALF|REST|DASHES|CHANGED|SHORT|FOREIGN|DIGITS|WIDE|ESCAPED|TWICE|LOOKS|NULLS|GROUPS|LONG|UPPER|TOKEN|TOK|EN|KEY|HOST/g, (word) => words[word]);

/** That this address was struck for nothing: of a strike sent now the sentinel hears after those before it. */
async function unstruck(address) {
  await site.get(`/${words.CHANGED}`, VISIT, { address });
  const { sentinel } = await until(async () => {
    const said = await site.explain(address);
    return said.sentinel.strikes > 0 && said;
  });
  assert.equal(sentinel.strikes, 1, "only the strike that shows that all came through");
}

test("every genuine link opens in one step, with its key, and strikes nobody", async () => {
  const address = freshAddress();
  const genuine = ROWS.filter(([, , expected]) => expected !== "silent");
  assert.ok(genuine.length >= 150);
  const wrong = [];
  for (const [name, text, expected] of genuine) {
    const path = filled(text);
    let answer = await site.get(path, VISIT, { address });
    const key = expected === "open+key" ? `#${words.KEY}` : "";
    const { location } = answer.headers;
    if (location !== undefined) {
      if (location !== `${sealed.path}${key}`) wrong.push(`${name}: ${path} leads to ${location}`);
      answer = await site.get(location.split("#")[0], VISIT, { address });
    } else if (key !== "") {
      wrong.push(`${name}: ${path} loses the key`);
    }
    if (answer.status !== 200) wrong.push(`${name}: ${path} answers ${answer.status}`);
  }
  assert.deepEqual(wrong, []);
  await unstruck(address);
});

test("nothing else does: silence, as for a page that is not there", async () => {
  for (const [name, text] of ROWS.filter(([, , expected]) => expected === "silent")) {
    const answer = await site.get(filled(text), VISIT);
    assert.equal(shape(answer), shape(await site.get("/no-such-page", VISIT)), name);
  }
});

describe("a link with other things around it", () => {
  test("keeps what it asks for and the language, and drops what is not ours", async () => {
    const { path } = letter;
    const leads = async (from, to) => assert.equal((await site.get(from, VISIT)).headers.location, to, from);
    await leads(`${path}./receipt`, `${path}/receipt`);
    await leads(`${path}%2Freceipt`, `${path}/receipt`);
    await leads(`${path}./receipt%2C`, `${path}/receipt`);
    await leads(`/x${path}/history/`, `${path}/history`);
    await leads(`${path.toUpperCase()}/receipt.json?lang=nl&utm_source=x`, `${path}/receipt.json?lang=nl`);
    await leads(`/${path}?fbclid=1&lang=de`, `${path}?lang=de`);
    await leads(`${path}%3E?lang=//evil.example`, path);
    await leads(`${path}%23${words.KEY}/report`, `${path}/report#${words.KEY}`);
    for (const evil of ["//evil.example/", "/%5Cevil.example/", "/%2F%2Fevil.example%2F", "/%0d%0aset-cookie:a=b/"]) {
      await leads(`${evil}${letter.token}`, path);
      await leads(`/${path}${evil}`, path);
    }
  });

  test("carries out a form that is posted to it", async () => {
    for (const spell of [(path) => `${path}./withdraw`, (path) => `${path}/withdraw/`, (path) => `/${path}/withdraw`, (path) => `/letters.example${path}%3E//withdraw`, (path) => `${path.toUpperCase()}&gt;/withdraw?utm_source=x`, (path) => `/api/v1${path}/withdraw`, (path) => `${path}%2Fwithdraw`, (path) => `${path}/withdraw%3E`, (path) => `${path}/withdraw&gt;`, (path) => `${path}/withdraw%20`]) {
      const mine = await site.put(randomBytes(100));
      const path = spell(mine.path);
      assert.equal((await site.send("POST", path, { body: ONE_CLICK, headers: { ...VISIT, ...FORM } })).status, 200, path);
      assert.equal((await site.record(mine)).state, "refused", path);
    }
  });

  test("hears the word with something behind it", async () => {
    for (const [asked, clean] of [["receipt%2C", "receipt"], ["history%3E", "history"], ["report.", "report"], ["receipt.json)", "receipt.json"]]) {
      const status = async (word) => (await site.get(`${letter.path}/${word}`, VISIT)).status;
      assert.equal(await status(asked), await status(clean), asked);
    }
  });

  test("of a letter that is over says so, and strikes nobody", async () => {
    const address = freshAddress();
    const over = `/${mintToken(site.keyring, uuid7(), Math.floor(Date.now() / 1000) - 60)}`;
    for (const path of [over, over.toUpperCase(), `/${over}`, `/?u=${over}`, `${over}%23${words.KEY}`, `/.env${over}`]) {
      const answer = await site.get(path, VISIT, { address });
      assert.equal(answer.status, 410, path);
      assert.ok(!answer.body.includes(words.KEY), "no page holds the key");
    }
    await unstruck(address);
  });
});

test("a genuine link in a honeypot, or below a path of ours, is a genuine link; a right key and a file stay what they are", async () => {
  const address = freshAddress();
  const { path } = letter;
  for (const trap of ["/.env", "/wp-login.php", "/.git/config", "/api/v1/letters", "/assets", "/assets/viewer.js", "/log", "/log/checkpoint"]) {
    for (const asked of [`${trap}${path}`, `${trap}/?x=${letter.token}`]) {
      const answer = await site.get(asked, VISIT, { address });
      assert.deepEqual([answer.status, answer.headers.location], [302, path], asked);
    }
  }
  const keyed = (key) => site.get(`/api/v1/letters/${letter.letter}?x=${letter.token}`, { ...VISIT, authorization: `Bearer ${key}` }, { address });
  assert.equal((await keyed(site.apiKey)).status, 200);
  assert.equal((await keyed(`${site.apiKey}0`)).headers.location, path);
  const file = await site.get(`/assets/viewer.js?x=${letter.token}`, VISIT, { address });
  assert.deepEqual([file.status, file.headers["content-type"]], [200, "text/javascript; charset=utf-8"]);
  assert.equal((await site.get(`/robots.txt?x=${letter.token}`, VISIT, { address })).headers["content-type"], "text/plain; charset=utf-8");
  await unstruck(address);
});
