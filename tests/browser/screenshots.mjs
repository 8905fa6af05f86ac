// Pictures of every page state, to be looked at: node tests/browser/screenshots.mjs FOLDER [NAME...]
//
// Whole pages of every state, and what the first screen has, in every language, of those that people meet first.
// With --readme instead: the two pictures of the README, into docs/screenshots/.
// Needs what the browser tests need: ./scripts/build, the command line, Chromium.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { drawn } from "./lib/report.mjs";
import { STATES } from "./lib/states.mjs";
import { LANGUAGES } from "./lib/words.mjs";
import { World } from "./lib/world.mjs";

/** The smallest phone in use, a usual one, and a small laptop. */
const SCREENS = { "360x640": { width: 360, height: 640 }, "360x740": { width: 360, height: 740 }, "1366x768": { width: 1366, height: 768 } };
const FIRST = ["envelope", "envelope-end-to-end", "letter", "confirm", "expired", "receipt"];

const [folder, ...only] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: node tests/browser/screenshots.mjs FOLDER [NAME...] | --readme");
  process.exit(2);
}

const world = new World();
try {
  await world.start("screenshots");
  if (folder === "--readme") await forReadme(join(ROOT, "docs/screenshots"));
  else await everything(folder, only);
} finally {
  await world.stop();
}

async function everything(folder, only) {
  mkdirSync(folder, { recursive: true });
  for (const [name, open] of Object.entries(STATES)) {
    if (only.length > 0 && !only.includes(name)) continue;
    const visitor = await open(world, {});
    await looks(visitor, folder, name);
    await visitor.context.close();
  }
  for (const lang of LANGUAGES) {
    for (const name of FIRST) {
      if (only.length > 0 && !only.includes(lang) && !only.includes(name)) continue;
      const visitor = await STATES[name](world, { locale: lang });
      await looks(visitor, folder, `${name}-${lang}`, { whole: false });
      await visitor.context.close();
    }
  }
}

async function looks({ page }, folder, name, { whole = true } = {}) {
  for (const [size, viewport] of Object.entries(SCREENS)) {
    if (whole && size === "360x740") continue;
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const fullPage = whole && (await page.locator(".ws-page").count()) === 0;
      await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`), fullPage });
    }
  }
}

async function forReadme(folder) {
  mkdirSync(folder, { recursive: true });
  const letter = await world.seal();
  const desk = await world.visitor();
  await desk.page.goto(letter.link);
  await keep(join(folder, "envelope.png"), await desk.page.screenshot({ fullPage: true }));
  await desk.context.close();
  const phone = await world.reading(letter, { device: "phone", deviceScaleFactor: 1 });
  await phone.inState("viewer");
  await drawn(phone.page, 1);
  await phone.page.evaluate(() => scrollTo(0, 0));
  const { y, height } = await phone.page.locator(".ws-page").first().boundingBox();
  const tall = Math.ceil(y + height + 8);
  await phone.page.setViewportSize({ width: 360, height: tall });
  await keep(join(folder, "letter-phone.png"), await phone.page.screenshot());
  await phone.context.close();
}

/** With few colours where wrangler brought its image tools: every clone carries these files. */
async function keep(path, png) {
  const tools = await import("sharp").catch(() => null);
  writeFileSync(path, tools ? await tools.default(png).png({ palette: true, effort: 10 }).toBuffer() : png);
}
