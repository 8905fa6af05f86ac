// How long a reader waits for the first page of a report, and what comes over the line until then. Reports; asserts nothing.
//
// The real edge on this machine, a real browser, a slowed line and a slowed processor. For each profile and each way of opening:
//   envelope  from the link to the first paint of the envelope, with nothing in the cache
//   after     from the press of "Open the letter", after READ seconds on the envelope, to the first page on screen
//   cold      from the letter's address to the first page, by a browser that has its consent but nothing in the cache
// Medians of the runs. Bytes are those on the line, headers included, compressed as the edge on this machine does (gzip).
//
// The line is slowed by a door of ours before the edge, because Chromium's own brake neither slows nor counts the script of a worker.
// Chromium slows the page's thread only, too; the worker's is held by the kernel (control groups, Linux, as root), and where that cannot
// be, the head of the table says so.
//
// WAXSEAL_FIRST_PAGE_PROFILES, _MODES: names of those below, by commas. _READ: seconds on the envelope (20). _REPORT: another PDF.

import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { REPORT, World } from "../browser/lib/world.mjs";
import { KINDS, openSlowLine, workerBrake } from "./slow.mjs";

const RUNS = Number(process.argv[2] ?? 3);
const chosen = (name, all) => (process.env[`WAXSEAL_FIRST_PAGE_${name}`] ?? all).split(",");
const READ = Number(process.env.WAXSEAL_FIRST_PAGE_READ ?? 20);
const FILE = process.env.WAXSEAL_FIRST_PAGE_REPORT ?? REPORT;

/** The figures of WebPageTest: "3G slow", and "3G fast" as Lighthouse has it. Bytes a second, milliseconds there
 * and back, times slower. */
const PROFILES = {
  "slow-3g": { rate: 50_000, latency: 400, cpu: 6 },
  "fast-3g": { rate: 200_000, latency: 150, cpu: 4 },
};

const world = new World();
await world.start("first-page");
const slowed = process.platform === "linux" ? workerBrake() : null;
try {
  const bytes = readFileSync(FILE);
  console.log(`${bytes.length} bytes of report, ${READ} s on the envelope, ${RUNS} runs; workers ${slowed ? "slowed" : "at full speed"}; load ${loadavg()[0].toFixed(1)}\n`);
  console.log(`| line, processor | mode | what | first paint or page, s | bar at 100 % from, s | kB until then | requests | of these kB |`);
  console.log(`|---|---|---|---|---|---|---|---|`);
  for (const profile of chosen("PROFILES", Object.keys(PROFILES).join())) {
    for (const mode of chosen("MODES", "edge-opened,end-to-end")) await measure(profile, mode, bytes);
  }
  console.log(`\nload at the end ${loadavg()[0].toFixed(1)}`);
} finally {
  slowed?.stop();
  await world.stop();
}

async function measure(name, mode, bytes) {
  const profile = PROFILES[name];
  const line = await openSlowLine(world.edge.port, profile);
  const fast = world.url;
  world.url = line.url;
  const seen = { envelope: [], after: [], cold: [] };
  for (let run = 0; run < RUNS; run += 1) {
    const letter = await world.seal({ endToEnd: mode === "end-to-end", bytes, name: "report.pdf", mediaType: "application/pdf" });
    const first = await reader(profile);
    await first.page.goto(letter.link);
    await first.page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
    const painted = await first.page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
    seen.envelope.push({ seconds: painted / 1000, ...line.take() });
    await pause(READ * 1000);
    const reading = line.take();
    await first.visitor.read();
    const shown = first.shown();
    await first.page.evaluate(() => {
      document.querySelector("[name=agree]").checked = true;
      document.querySelector("#yes .button.main").click();
    });
    seen.after.push({ ...(await shown), ...line.take(), reading: reading.total });
    const state = await first.visitor.context.storageState();
    const again = await reader(profile, { storageState: state });
    const shownAgain = again.shown(Date.now());
    await again.page.goto(letter.link, { waitUntil: "commit" });
    seen.cold.push({ ...(await shownAgain), ...line.take() });
    await first.visitor.context.close();
    await again.visitor.context.close();
  }
  world.url = fast;
  await line.close();
  for (const [what, runs] of Object.entries(seen)) row(name, profile, mode, what, runs);
}

/** A phone with an empty cache on a slow line. */
async function reader({ cpu }, context = {}) {
  const visitor = await world.visitor({ device: "phone", ...context });
  const { page } = visitor;
  await page.addInitScript(watch);
  const cdp = await visitor.context.newCDPSession(page);
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: cpu });
  if (slowed) slowed.rate = cpu;
  /** Seconds from the press, or from `began`, until the first page is on screen; and until the bar was full. */
  const shown = (began) =>
    new Promise((resolve) => {
      let full = null;
      page.on("console", (message) => {
        const [tag, what, at] = message.text().split(" ");
        if (tag !== "bench") return;
        if (what === "pressed") began ??= Number(at);
        if (what === "full") full ??= (Number(at) - began) / 1000;
        if (what === "shown") resolve({ seconds: (Number(at) - began) / 1000, full });
      });
    });
  return { visitor, page, shown };
}

// Runs in each page: tells when the button was pressed, when the bar was full and when the first page was on screen.
function watch() {
  const tell = (what) => console.debug(`bench ${what} ${Date.now()}`);
  let shown = false;
  addEventListener("submit", () => tell("pressed"), { capture: true });
  new MutationObserver(() => {
    if (shown) return;
    const bar = document.querySelector("[data-when=loading] progress");
    if (bar?.hasAttribute("value") && bar.value >= bar.max) tell("full");
    if (document.querySelector("#letter[data-state=viewer] [data-page='1'][data-rendered]")) {
      shown = true;
      requestAnimationFrame(() => requestAnimationFrame(() => tell("shown")));
    }
  }).observe(document, { subtree: true, childList: true, attributes: true });
}

function row(name, { rate, latency, cpu }, mode, what, runs) {
  const median = (of) => {
    const sorted = runs.map(of).filter((value) => value !== null && value !== undefined).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  };
  const seconds = runs.map((run) => run.seconds);
  const spread = `${Math.min(...seconds).toFixed(1)} to ${Math.max(...seconds).toFixed(1)}`;
  const kb = (bytes) => ((bytes ?? 0) / 1000).toFixed(0);
  const kinds = KINDS.map(([kind]) => [kind, median((run) => run.kinds[kind] ?? 0)]).filter(([, sum]) => sum > 0);
  const parts = kinds.map(([kind, sum]) => `${kind} ${kb(sum)}`).join(", ");
  const full = median((run) => run.full);
  const before = what === "after" ? `; ${kb(median((run) => run.reading))} while reading` : "";
  console.log(
    `| ${name} (${(rate * 8) / 1000} kbit/s, ${latency} ms), ${cpu}× | ${mode} | ${what} | ${median((run) => run.seconds).toFixed(1)} (${spread}) | ` +
      `${full === undefined ? "" : full.toFixed(1)} | ${kb(median((run) => run.total))} | ${median((run) => run.requests)} | ${parts}${before} |`,
  );
}
