// The stand-in site and one Chromium, for all tests of the file that imports them.

import { after } from "node:test";
import { launch } from "./browser.mjs";
import { startSite } from "./site.mjs";

export const PDF = { mediaType: "application/pdf", fileName: "report.pdf" };

// Not in a `before`: those of the file that imports this do not wait for one another.
export const site = await startSite();
export const browser = await launch();

after(async () => {
  await browser.close();
  await site.stop();
});
