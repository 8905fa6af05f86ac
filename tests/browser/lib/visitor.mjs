// One reader: a browser context of its own that reports everything that should never happen on a page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { readFor } from "../../edge/lib/forms.mjs";
import { oneOf } from "../../edge/lib/soak.mjs";
import { BRANDS } from "../harness/browser.mjs";
import { remember } from "./world.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Android's web view inside a messenger. */
const IN_APP =
  "Mozilla/5.0 (Linux; Android 14; SM-A155F Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) " +
  "Version/4.0 Chrome/131.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/489.0.0.0.0;]";

/** A browser without a screen names itself as one, and is asked whether it is a robot. */
const AT_A_DESK = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";

/**
 * Chromium's own notes, script or not, when a page that fades leads to a file that does not; and that of PDF.js's worker
 * when it is told to stop while it still opens a file, whose class has a short name in a small build.
 */
const NOTES = /ViewTransition opt-in disabled|^Transition was skipped$|^Worker was terminated$|^AbortException$|^[A-Za-z]{1,2}$/;

export const DEVICES = {
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, userAgent: IN_APP },
  desktop: { viewport: { width: 1280, height: 800 }, userAgent: AT_A_DESK },
};

export class Visitor {
  /** What should never happen, in words without addresses: they hold tokens. */
  faults = [];
  requests = 0;

  static async open(world, { device = "desktop", locale = "en-GB", inApp = false, ...context } = {}) {
    const visitor = new Visitor();
    await visitor.#open(world, { ...DEVICES[device], locale, inApp, ...context });
    return visitor;
  }

  async #open(world, { inApp, whole, extraHTTPHeaders, ...context }) {
    this.world = world;
    const browser = whole ? await world.whole() : world.browser;
    this.context = await browser.newContext({
      acceptDownloads: true,
      extraHTTPHeaders: { ...BRANDS, ...extraHTTPHeaders },
      ...(inApp ? { serviceWorkers: "block" } : {}),
      ...context,
    });
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(30_000);
    if (context.javaScriptEnabled !== false) await this.page.addInitScript(watch);
    if (inApp) await this.page.addInitScript(lockDown);
    this.page.on("console", (message) => this.#console(message));
    this.page.on("pageerror", (error) => {
      if (!NOTES.test(error.message)) this.faults.push(`script error: ${error.message}`);
    });
    this.context.on("page", (page) => page !== this.page && this.faults.push("a window was opened"));
    this.context.on("serviceworker", () => this.faults.push("a service worker was started"));
    this.context.on("request", (request) => {
      this.requests += 1;
      const { protocol, origin } = new URL(request.url());
      if (origin !== world.url && !/^(blob|data|chrome.*):$/.test(protocol)) {
        this.faults.push(`a request to ${protocol}${origin}`);
      }
    });
  }

  #console(message) {
    const text = message.text();
    const policy = /policy|refused to/i.test(text);
    if (!policy && !["error", "warning"].includes(message.type())) return;
    // Chromium notes each answer with a status of 400 and above. That status is the page's own meaning.
    if (/^Failed to load resource: (the server responded with a status of (400|403|404|405|409|410|422|429|500|503)|net::ERR_)/.test(text)) return;
    this.faults.push(`${message.type()}: ${text.replaceAll(/\/[0-9a-z]{66}/g, "/TOKEN")}`);
  }

  /** Ends the visit; fails when something happened that should not. */
  async close() {
    await this.context.close();
    assert.deepEqual(this.faults, []);
  }

  /** Opens the menu of languages and chooses one by its name. */
  async speak(name) {
    await this.press(".langs summary");
    await this.page.getByRole("link", { name, exact: true }).click();
  }

  /** Has read the page: the form behind `selector` is as old as if a person had. */
  async read(selector = "#yes") {
    const field = this.page.locator(`${selector} [name=nonce]`);
    const nonce = readFor(this.world.keyring, new URL(this.page.url()).pathname, await field.getAttribute("value"));
    await field.evaluate((input, value) => (input.value = value), nonce);
  }

  /** Says no on the envelope, having read it. */
  async refuse(button) {
    await this.read("#no");
    await button.click();
  }

  /** Clicks what a person clicks who has read: the box, then Open. Ends on the letter page. */
  async agree() {
    await this.read();
    await this.page.locator("[name=agree]").check();
    await this.press("#yes .button.main");
    await this.page.waitForSelector("#letter");
    await this.cookie();
  }

  /** Clicks or taps, as the device does. */
  press(selector) {
    return this.page.locator(selector).click();
  }

  async withdraw() {
    await this.read(".withdraw");
    await this.press(".withdraw summary");
    return Promise.all([this.page.waitForURL((url) => !url.pathname.endsWith("/withdraw")), this.press(".withdraw .button")]);
  }

  inState(state) {
    return this.page.waitForSelector(`#letter[data-state="${state}"]`);
  }

  /** The consent cookie, or undefined. */
  async cookie() {
    const cookie = (await this.context.cookies()).find(({ name }) => /^__Host-waxseal-[0-9a-f]{8}$/.test(name));
    if (cookie) remember(cookie.value);
    return cookie;
  }

  /** The bytes and the name of what `act` downloads. */
  async download(act) {
    const [download] = await Promise.all([this.page.waitForEvent("download"), act()]);
    return { bytes: readFileSync(await download.path()), name: download.suggestedFilename() };
  }

  heading() {
    return this.page.locator("h1").innerText();
  }

  /** How much has moved by itself so far, as browsers count it. */
  shift() {
    return this.page.evaluate(() => window.shifted());
  }

  /** The address, without the language that the forms keep: link and key. */
  address() {
    const { origin, pathname, hash } = new URL(this.page.url());
    return origin + pathname + hash;
  }

  /** Both widths in both colour schemes; each page state must be without a finding. */
  async accessible(what) {
    await this.page.evaluate(AXE);
    for (const colorScheme of ["light", "dark"]) {
      await this.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const [device, { viewport }] of oneOf(`axe on ${what}, ${colorScheme}`, Object.entries(DEVICES))) {
        await this.page.setViewportSize(viewport);
        // The report is drawn anew for each width.
        await this.page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);
        await this.page.waitForFunction(() => Array.from(document.querySelectorAll(".ws-scroll")).every((box) => box.scrollWidth <= box.clientWidth));
        // What dark changes is colours alone.
        const only = colorScheme === "dark" ? ["color-contrast", "link-in-text-block"] : AXE_TAGS;
        const found = await this.page.evaluate(async (runOnly) => {
          const { violations } = await window.axe.run(document, { runOnly, resultTypes: ["violations"] });
          return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
        }, only);
        assert.deepEqual(found, [], `${what}, ${device}, ${colorScheme}`);
      }
    }
  }
}

// Runs in the page before anything else.
function watch() {
  addEventListener("securitypolicyviolation", (event) => {
    console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`);
  });
  let sum = 0;
  const add = (entries) => {
    for (const entry of entries) if (!entry.hadRecentInput) sum += entry.value;
  };
  const observer = new PerformanceObserver((list) => add(list.getEntries()));
  observer.observe({ type: "layout-shift", buffered: true });
  window.shifted = () => {
    add(observer.takeRecords());
    return sum;
  };
}

// What in-app browsers leave out or shut off.
function lockDown() {
  window.open = () => null;
  Object.defineProperty(Navigator.prototype, "serviceWorker", { get: () => undefined });
  Object.defineProperty(Navigator.prototype, "share", { value: undefined });
  Object.defineProperty(Navigator.prototype, "canShare", { value: undefined });
  delete window.showSaveFilePicker;
}
