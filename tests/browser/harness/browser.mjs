// Chromium for the tests, and watchers that make every page report what should never happen.

import { existsSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

export const SIZES = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 800 } };

export function findChromium() {
  const path = process.env.CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(path)) throw new Error(`no Chromium at ${path}; install Debian's chromium or set CHROMIUM`);
  return path;
}

/** Chromium's engine without the program around it, which takes half the time; undefined where there is none. */
const SHELL = process.env.CHROMIUM_SHELL || undefined;

/** What Chromium calls itself in each request. The shell adds that it has no screen, and is asked whether it is a robot. */
export const BRANDS = SHELL && { "sec-ch-ua": '"Not/A)Brand";v="99", "Chromium";v="148"' };

/** `whole`: the program too, for what it does of its own accord. */
export function launch({ whole = false } = {}) {
  return chromium.launch({
    executablePath: (!whole && SHELL) || findChromium(),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page of its own context. `faults` collects policy violations, script errors and requests off the machine. */
export async function openPage(browser, { size = SIZES.phone, before, ...context } = {}) {
  const own = await browser.newContext({ viewport: size, acceptDownloads: true, ...context });
  const page = await own.newPage();
  const faults = [];
  const urls = [];
  const messages = [];
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  if (before) await page.addInitScript(before);
  page.on("console", (message) => {
    messages.push(message.text());
    const text = message.text();
    // A failed request of a test's own mishap is not a fault; a refused policy always is.
    if (/policy|refused to/i.test(text) || (message.type() === "error" && !/Failed to load resource/.test(text))) faults.push(text);
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => {
    urls.push(request.url());
    if (!/^(http:\/\/127\.0\.0\.1:|blob:|data:)/.test(request.url())) faults.push(`request to ${request.url()}`);
  });
  return { page, faults, urls, messages, close: () => own.close() };
}

export const inState = (page, state) => page.waitForSelector(`#letter[data-state="${state}"]`);

/** Highest resident memory, in bytes, that any renderer process has had so far. */
export async function rendererPeak(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const peaks = processInfo
    .filter((one) => one.type === "renderer")
    .map((one) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${one.id}/status`, "utf8"))?.[1] ?? 0) * 1024);
  return Math.max(...peaks);
}
