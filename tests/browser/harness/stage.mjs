// The stand-in site and one Chromium, for all tests of the file that imports them.

import { after, before } from "node:test";
import { launch } from "./browser.mjs";
import { startSite } from "./site.mjs";

export const PDF = { mediaType: "application/pdf", fileName: "report.pdf" };

export let site;
export let browser;

before(async () => {
  site = await startSite();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await site?.stop();
});
