// What is on screen of a report.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Waits until page `n` of a PDF is drawn, and looks at the ink: how many colours are on it. */
export async function drawn(page, n) {
  const element = page.locator(`.ws-page[data-page="${n}"]`);
  await element.scrollIntoViewIfNeeded();
  await element.locator("canvas").waitFor();
  const colours = await element.locator("canvas").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4 * 97) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    return seen.size;
  });
  assert.ok(colours > 8, `page ${n} is not blank: ${colours} colours`);
}

/** The sample report, first page to last. */
export async function sampleReportShows(visitor) {
  const { page } = visitor;
  await visitor.inState("viewer");
  await page.waitForFunction(() => document.querySelector("[data-page-count]").textContent.trim() === "of 5");
  await drawn(page, 1);
  await page.locator(".ws-page[data-page='1'] .textLayer", { hasText: "Vehicle inspection" }).waitFor();
  await page.waitForSelector('[data-pages][aria-busy="false"]');
  assert.equal(await page.locator(".ws-page").count(), 5);
  await drawn(page, 5);
}
