// The real edge, the real command line and one Chromium for all tests of a file.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { mint, activeKey } from "../../../examples/mint.mjs";
import { ROOT } from "../../../scripts/lib/edge.mjs";
import { startWorkerd } from "../../edge/lib/workerd.mjs";
import { launch } from "../harness/browser.mjs";
import { openDamager } from "./damage.mjs";
import { openFront } from "./front.mjs";
import { Visitor } from "./visitor.mjs";

const run = promisify(execFile);
const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
export const REPORT = join(ROOT, "examples/report/inspection-report.pdf");
export const REPORT_BYTES = readFileSync(REPORT);
export const SUBJECT = "Inspection of your car, WX-482-S";
export const DAY = 86_400;

export class World {
  #folder = mkdtempSync(join(tmpdir(), "waxseal-browser-"));
  #files = 0;
  #whole;
  #keyring;

  /** What the site signs with. */
  get keyring() {
    return JSON.parse(this.#keyring);
  }

  /** Fragment keys of all letters so far. */
  keys = [];

  /** `sender`: another name of the site than that in wrangler.toml. */
  async start(name, { sender } = {}) {
    const keys = join(this.#folder, "keyring.json");
    process.env.WAXSEAL_KEYS_FILE = keys;
    await this.waxseal(["keys", "new", "--keys", keys]);
    this.#keyring = (await this.waxseal(["keys", "show", "--env"])).trim();
    this.apiKey = (await this.waxseal(["keys", "show", "--api-key"])).trim();
    remember(this.apiKey, ...JSON.parse(this.#keyring).keys.map((key) => key.secret));
    const logs = process.env.WAXSEAL_TEST_LOGS;
    this.edge = await startWorkerd({
      state: join(this.#folder, "state"),
      keyring: this.#keyring,
      config: sender ? this.#named(sender) : join(ROOT, "wrangler.toml"),
      log: logs ? join(logs, `browser-${name}-edge.log`) : undefined,
    });
    this.browser = await launch();
    this.front = await openFront(this.edge.port);
    this.url = this.front.url;
  }

  #named(sender) {
    const here = (text, key, path) => text.replace(new RegExp(`^${key} = .*$`, "m"), `${key} = ${JSON.stringify(join(ROOT, path))}`);
    const text = here(here(readFileSync(join(ROOT, "wrangler.toml"), "utf8"), "main", "build/index.js"), "directory", "assets");
    const config = join(this.#folder, "wrangler.toml");
    writeFileSync(config, text.replace(/^(\[vars\.SITE\]\nname) = .*$/m, `$1 = ${JSON.stringify(sender)}`));
    return config;
  }

  async stop() {
    await this.browser?.close();
    await (await this.#whole)?.close();
    await this.front?.close();
    await this.edge?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** All of Chromium, for who needs what it does of its own accord: show a PDF, fetch ahead. Started once it is asked for. */
  whole() {
    return (this.#whole ??= launch({ whole: true }));
  }

  async waxseal(args) {
    const { stdout } = await run(BIN, args, { env: { ...process.env, NO_COLOR: "1" } });
    return stdout;
  }

  /**
   * Seals and answers `{ id, token, url, link, key, bytes }`; `link` has the fragment in end-to-end mode.
   * Without `lang` the letter has no language, and the browser's counts. `bytes` with `name` and `mediaType`: another file than the sample report. `damagedAt`: which byte of the body to spoil.
   */
  async seal({ endToEnd = false, bytes, name, mediaType, subject = SUBJECT, lang, expires = "30d", reference, damagedAt } = {}) {
    let file = REPORT;
    if (bytes) {
      file = join(this.#folder, `file-${(this.#files += 1)}`);
      writeFileSync(file, bytes);
    }
    const damager = damagedAt === undefined ? null : await openDamager(this.edge.url, damagedAt);
    try {
      const about = ["--subject", subject, ...(lang ? ["--lang", lang] : []), "--expires", expires, ...(endToEnd ? ["--end-to-end"] : []), ...(reference ? ["--letter", reference] : [])];
      const kind = [...(name === undefined ? [] : [`--name=${name}`]), ...(mediaType ? ["--media-type", mediaType] : [])];
      const out = await this.waxseal(["seal", file, "--json", "--quiet", "--url", damager?.url ?? this.edge.url, ...about, ...kind]);
      const answer = JSON.parse(out);
      const { pathname, hash } = new URL(answer.link);
      return this.#letter(answer.letter, pathname.slice(1), hash.slice(1), bytes ?? REPORT_BYTES);
    } finally {
      await damager?.close();
    }
  }

  #letter(id, token, key, bytes) {
    remember(token, key);
    if (key) this.keys.push(key);
    const url = `${this.url}/${token}`;
    return { id, token, key, url, link: key ? `${url}#${key}` : url, bytes };
  }

  /** A genuine link to `id`, which may be no letter at all, ending `days` from now. */
  linkTo(id, days = 30) {
    const token = mint(activeKey(this.#keyring), id, Math.floor(Date.now() / 1000) + days * DAY);
    return this.#letter(id, token, "", null);
  }

  async cancel(letter) {
    const response = await this.#api(`${letter.id}/cancel`, "POST");
    assert.equal(response.status, 200);
  }

  /** The kinds of what is on record, in order. */
  async record(letter) {
    const { events, chain } = await (await this.#api(letter.id, "GET")).json();
    assert.equal(chain.verified, true, "the chain verifies");
    return events.map((event) => event.kind);
  }

  #api(path, method) {
    return fetch(`${this.edge.url}/api/v1/letters/${path}`, { method, headers: { authorization: `Bearer ${this.apiKey}` } });
  }

  /** A browser of its own: see Visitor. */
  visitor(options) {
    return Visitor.open(this, options);
  }

  /** The link with a visitor, past the envelope. */
  async reading(letter, options) {
    const visitor = await this.visitor(options);
    await visitor.page.goto(letter.link);
    await visitor.agree();
    return visitor;
  }
}

/** Notes secrets for the search of all logs that ends scripts/test. */
export function remember(...secrets) {
  const folder = process.env.WAXSEAL_TEST_LOGS;
  const lines = secrets.filter((secret) => secret).map((secret) => `${secret}\n`);
  if (folder) appendFileSync(join(folder, "secrets.txt"), lines.join(""), { mode: 0o600 });
}
