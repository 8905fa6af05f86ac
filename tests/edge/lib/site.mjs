// One edge for one test file: its own keys, port and stores, its API, and browsers.

import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../../scripts/lib/edge.mjs";
import { comesFrom, freshAddress } from "./addresses.mjs";
import { assertDocumented } from "./document.mjs";
import { READING_MS, readFor } from "./forms.mjs";
import { client, urlencoded } from "./http.mjs";
import { apiKey, newKeyring, seal, secretOf } from "./seal.mjs";
import { startWorkerd } from "./workerd.mjs";

/** More than a test asks for in a minute from one address. Tests of the limits themselves say less. */
const GENEROUS = 1_000_000;

/**
 * Starts an edge. `wrap`: the source of a module that is put in front of ours, for tests that break what we stand on;
 * it finds our module under the name `edge`. `guard`: what stands in `[vars.SITE.guard]`. `limits`: requests a minute by
 * the name of the rate limit, the others are generous; `null`: as shipped. `site`: further settings in `[vars.SITE]`.
 * `set`: other values of keys in wrangler.toml. `evidence`: `{ origin, witnesses: [{ key, url }] }`, the settings of the log.
 * `shares`: another site of this test, whose guard this one shares. `sockets`: how many requests at once. `run`: what starts
 * the edge, in place of workerd alone.
 *
 * Every request comes from an address of its own unless it says otherwise, and so does every browser: what one test
 * does gets no other banned.
 */
export async function startSite(
  name,
  { keyring = newKeyring(), wrap, guard, limits = {}, site: settings = {}, set = {}, shares, sockets, evidence, run = startWorkerd } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), `waxseal-${name}-`));
  const logs = process.env.WAXSEAL_TEST_LOGS ?? folder;
  mkdirSync(logs, { recursive: true });
  const log = join(logs, `edge-${name}.log`);
  const secrets = new Set();
  const state = shares?.state ?? join(folder, "state");
  const configure = (evidence) => writeConfig(folder, { wrap, guard, limits, settings, set, shares: Boolean(shares), evidence });
  const config = configure(evidence);
  const start = () => run({ state, keyring: JSON.stringify(keyring), envFile: join(folder, "edge.env"), log, config });

  let edge = await start();
  let http = client({ port: edge.port, sockets });
  const send = async (method, path, { address, asn, country, headers = {}, ...rest } = {}) => {
    const answer = await http.send(method, path, { headers: { ...comesFrom({ address, asn, country }), ...headers }, ...rest });
    assertDocumented(method, path, answer);
    return answer;
  };
  const bearer = apiKey(keyring);

  const site = {
    keyring,
    apiKey: bearer,
    state,
    log,
    config,
    get url() {
      return edge.url;
    },
    get port() {
      return edge.port;
    },
    get pid() {
      return edge.pid;
    },
    /** What is running now, as `run` gave it. */
    get edge() {
      return edge;
    },
    /** Waits for a line of the log: it takes another way than the answer. */
    logged: (line) => until(() => line.test(edge.output()), { every: 20, within: 5_000 }),
    send,
    /** As a person's browser, unless the headers say otherwise. */
    get: (path, headers = {}, options = {}) => send("GET", path, { headers: { accept: "text/html", "user-agent": AGENT, ...headers }, ...options }),
    /** Notes what no log may ever hold. */
    remember: (...found) => found.filter(Boolean).forEach((secret) => secrets.add(String(secret))),

    /** Ends every process at once, as a crash would. */
    async crash() {
      http.close();
      await edge.kill();
    },
    /** Starts again on the same stores; `evidence` and `keyring` as of `startSite`, if they changed. */
    async restart(changed = {}) {
      if ("evidence" in changed) configure(changed.evidence);
      if (changed.keyring) Object.assign(keyring, changed.keyring);
      edge = await start();
      http = client({ port: edge.port, sockets });
    },

    /** A request about letters, with the site's key. */
    api: (method, path, { body, headers = {}, key = bearer } = {}) =>
      send(method, `/api/v1/letters/${path}`, { body, headers: { ...(key && { authorization: `Bearer ${key}` }), ...headers } }),

    /** Seals and uploads: `options` as of `seal`, `body(bytes)` to damage what is stored, another `key` of the API. */
    async put(plaintext, { body = (bytes) => bytes, key, ...options } = {}) {
      const letter = seal(keyring, plaintext, options);
      site.remember(letter.token, letter.fragment);
      const stored = await site.api("PUT", `${letter.letter}/body`, { body: body(Buffer.from(letter.objects.body)), key });
      assert.equal(stored.status, 201, stored.body.toString());
      const whole = await site.api("PUT", `${letter.letter}/manifest`, { body: letter.objects.manifest, key });
      assert.equal(whole.status, 201, whole.body.toString());
      return letter;
    },

    /** What the ledger says, as the API tells it. */
    async record(letter) {
      const answer = await site.api("GET", letter.letter ?? letter);
      assert.equal(answer.status, 200, answer.body.toString());
      const record = JSON.parse(answer.body);
      assert.deepEqual([record.chain.verified, record.chain.broken], [true, undefined]);
      assert.equal(record.chain.length, record.events.length);
      return record;
    },
    kinds: async (letter) => (await site.record(letter)).events.map((event) => event.kind),

    /** A browser of its own: cookies, forms as pages give them, and one address (`{ address, asn, country }`). */
    browser: (headers = {}, from = {}) => new Browser(site, headers, from),

    /** Ends the edge and checks that its log holds none of the secrets that were used. */
    async stop() {
      http.close();
      await edge.stop();
      keyring.keys.forEach((key) => {
        const bytes = secretOf(keyring, key.id);
        site.remember(key.secret, bytes.toString("hex"), bytes.toString("base64url"), apiKey(keyring, key.id));
      });
      appendFileSync(join(logs, "secrets.txt"), [...secrets].map((secret) => `${secret}\n`).join(""), { mode: 0o600 });
      const text = readFileSync(log, "utf8");
      const leaked = [...secrets].filter((secret) => secret.length >= 12 && text.includes(secret));
      rmSync(folder, { recursive: true, force: true });
      assert.deepEqual(leaked, [], "secrets in the log");
    },
  };
  return site;
}

/** The project's configuration with absolute paths, and what a test needs otherwise. */
function writeConfig(folder, { wrap, guard, limits, settings, set, shares, evidence }) {
  const main = join(ROOT, "build/index.js");
  let text = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  const replace = (from, to) => {
    assert.match(text, from);
    text = text.replace(from, to);
  };
  replace(/^directory = .*$/m, `directory = "${join(ROOT, "assets")}"`);
  if (wrap) {
    writeFileSync(join(folder, "main.mjs"), wrap.replaceAll('"edge"', JSON.stringify(main)));
    replace(/^main = .*$/m, 'main = "main.mjs"');
  } else {
    replace(/^main = .*$/m, `main = "${main}"`);
  }
  for (const [key, value] of Object.entries(set)) replace(new RegExp(`^${key} = .*$`, "m"), `${key} = ${JSON.stringify(value)}`);
  const own = Object.entries(settings).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  if (own.length > 0) replace(/^\[vars\.SITE\]\n/m, `[vars.SITE]\n${own.join("")}`);
  if (limits) text = text.replace(/^(\[\[ratelimits\]\]\nname = "([A-Z_]+)"\n(?:(?!\[).*\n)*?.*\blimit = )\d+/gm, (_, before, name) => before + (limits[name] ?? GENEROUS));
  if (shares) {
    // A worker of its own, with its own ledgers and bucket; namespace and Durable Objects of the guard are the other's.
    const other = /^name = "(.*)"$/m.exec(text)[1];
    replace(/^name = ".*"$/m, `name = "${other}-too"`);
    replace(/^bucket_name = ".*"$/m, `bucket_name = "${other}-too"`);
    for (const name of ["Sentinel", "Publisher"]) replace(new RegExp(`^class_name = "${name}"$`, "m"), `$&\nscript_name = "${other}"`);
  }
  if (guard) {
    const lines = Object.entries(guard).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
    text = `${text.replace(/^\[vars\.SITE\.guard\]\n(?:(?!\[).*\n)*/m, "")}\n[vars.SITE.guard]\n${lines.join("")}`;
  }
  if (evidence) {
    const { origin, witnesses = [] } = evidence;
    const line = ([key, value]) => `${key} = ${JSON.stringify(value)}\n`;
    const tables = witnesses.map((witness) => `[[vars.SITE.log.witnesses]]\n${Object.entries(witness).map(line).join("")}`);
    text = `${text}\n[vars.SITE.log]\n${origin === undefined ? "" : line(["origin", origin])}${tables.join("")}`;
  }
  const path = join(folder, "wrangler.toml");
  writeFileSync(path, text);
  return path;
}

/** The hidden fields of a form on a page. */
export function fieldsOf(html, action) {
  const form = new RegExp(`<form[^>]*action="([^"]*/${action}[^"]*)"[^>]*>([\\s\\S]*?)</form>`).exec(html);
  assert.ok(form, `the page has a form for ${action}`);
  const inputs = [...form[2].matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return { action: form[1], fields: Object.fromEntries(inputs.map(([, name, value]) => [name, value])) };
}

/** The `name=value` of the consent's cookie in an answer, if it sets it. */
export function consentIn(answer) {
  const line = (answer.headers["set-cookie"] ?? []).find((line) => /^__Host-waxseal-[0-9a-f]{8}=[^;]/.test(line));
  return line?.split(";")[0];
}

/** A browser of which nothing more is known. */
export const AGENT = "Mozilla/5.0 (Test browser)";

export class Browser {
  #site;
  #cookies = new Map();
  #headers;

  constructor(site, headers, from) {
    this.#site = site;
    this.from = { address: freshAddress(), ...from };
    this.#headers = { accept: "text/html,application/xhtml+xml,*/*;q=0.8", "user-agent": AGENT, ...headers };
  }

  async send(method, path, { headers = {}, ...rest } = {}) {
    const cookie = this.cookie();
    const answer = await this.#site.send(method, path, {
      ...this.from,
      headers: { ...this.#headers, ...(cookie && { cookie }), ...headers },
      ...rest,
    });
    this.keep(answer);
    return answer;
  }

  /** Keeps the cookies of an answer, as if it had come to this browser. */
  keep(answer) {
    for (const line of answer.headers["set-cookie"] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (/Max-Age=0(;|$)/i.test(line)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
      this.#site.remember(value);
    }
  }

  cookie() {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  get(path, headers) {
    return this.send("GET", path, { headers });
  }

  async json(path, headers) {
    // A person who reads JSON; a program that asks for it says no `Sec-Fetch-Dest`.
    const answer = await this.get(path, { accept: "application/json", "sec-fetch-dest": "document", ...headers });
    const body = JSON.parse(answer.body);
    this.#site.remember(body.nonce);
    return body;
  }

  /** Sends the form `action` of the page at `path` as a person would; `change` edits its fields, `after`: see `post`. */
  async submit(path, action, { change = {}, encode = urlencoded, headers = {}, after } = {}) {
    const page = await this.get(path);
    const form = fieldsOf(page.body.toString(), action);
    this.#site.remember(form.fields.nonce);
    const fields = Object.fromEntries(Object.entries({ ...form.fields, ...change }).filter(([, value]) => value !== undefined));
    return this.post(form.action, fields, { encode, headers, after });
  }

  /** Sends a form. A consent, a refusal and a withdrawal are sent as by somebody who read the page for `after` milliseconds. */
  post(path, fields, { encode = urlencoded, headers = {}, after = READING_MS } = {}) {
    const aged = /\/(consent|refuse|withdraw)(\?|$)/.test(path) && after > 0 && { nonce: readFor(this.#site.keyring, path, fields.nonce, after) };
    const { body, headers: type } = encode(aged && fields.nonce !== undefined ? { ...fields, ...aged } : fields);
    return this.send("POST", path, { body, headers: { ...type, "content-length": Buffer.byteLength(body), ...headers } });
  }

  /** Agrees, as a person who ticked the box. */
  async consent(path, options = {}) {
    const answer = await this.submit(path, "consent", { ...options, change: { agree: "yes", ...options.change } });
    assert.equal(answer.status, 303, answer.body.toString());
    return answer;
  }
}

/** Asks again until `done` says yes: for what another process does in its own time, such as an alarm. */
export async function until(done, { every = 100, within = 20_000 } = {}) {
  const end = Date.now() + within;
  for (;;) {
    const found = await done();
    if (found) return found;
    assert.ok(Date.now() < end, "what was waited for did not happen");
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
