// Draws the picture of link previews: node scripts/draw-preview.mjs
//
//   web/preview/letter-wide.png   1200 x 630, for messengers that show a wide card
//   web/preview/letter.png        400 x 400, for those that show a small one
//
// They are checked in and change when the drawing does. Nothing of a site is in them, nor of a letter: one pair serves everybody.
// Needs Chromium (CHROMIUM) and sharp, which wrangler brings.

import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import sharp from "sharp";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The wax as templates/seal.html has it, with a keyhole in place of the sender's letter. */
const WAX =
  "M115.1 60C115.6 65 113.9 70.5 112.3 75.4 110.6 80.2 108.2 85 105.2 89 102.2 93.1 98.2 96.5 94.3 99.6 90.4 102.7 86.2 105.8 81.7 107.6 77.2 109.4 72 110.2 67.2 110.4 62.5 110.5 57.9 109 53 108.5 48.2 108.1 43.2 108.7 38.2 107.6 33.3 106.6 27.5 105.3 23.2 102.4 18.9 99.6 14.5 95.2 12.4 90.6 10.4 85.9 11.2 79.5 10.9 74.4 10.6 69.3 10.5 64.7 10.8 60 11 55.3 11.7 50.8 12.4 46 13.2 41.2 13.1 35.6 15.2 31.2 17.4 26.9 21.4 22.9 25.2 19.9 29.1 16.9 34.1 15.6 38.6 13.1 43.1 10.7 47.2 6.5 52.1 5 57 3.5 63 3.1 68 4.2 73 5.3 78 8.7 82 11.7 86.1 14.8 89.3 18.9 92.4 22.6 95.5 26.3 97.8 30.1 100.7 33.9 103.5 37.7 107 41.1 109.4 45.5 111.8 49.8 114.7 55 115.1 60Z";
const KEYHOLE = "M62 42.5a9.5 9.5 0 0 1 4.6 17.8l3.4 13.2h-16l3.4-13.2A9.5 9.5 0 0 1 62 42.5Z";

function seal(x, y, size) {
  return `<g transform="translate(${x - size / 2} ${y - size / 2}) scale(${size / 120})">
<path d="${WAX}" fill="#2a1808" opacity=".28" transform="translate(1.5 3.5)"/>
<path d="${WAX}" fill="#9b2226"/>
<path d="M20 44C24 30 36 17 52 12" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" opacity=".3"/>
<circle cx="62" cy="58" r="37.5" fill="#8a1b20" stroke="#6d1317" stroke-width="1.5"/>
<circle cx="62" cy="58" r="32" fill="none" stroke="#c65b5e" stroke-width="2" stroke-linecap="round" stroke-dasharray="0 5.03"/>
<path d="${KEYHOLE}" fill="#c65b5e" transform="translate(.9 .9)"/><path d="${KEYHOLE}" fill="#5c0f13"/>
</g>`;
}

/** The back of an envelope: the lower flaps' edges, the upper flap over them, the seal on its tip. */
function envelope(width, height, seam, size) {
  const [left, right, top, bottom] = seam;
  const middle = (left + right) / 2;
  const tip = top + (bottom - top) * 0.52;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<rect width="${width}" height="${height}" fill="#e6dac6"/>
<rect x="${left + 4}" y="${top + 10}" width="${right - left - 8}" height="${bottom - top}" rx="18" fill="#4a3814" opacity=".16"/>
<rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}" rx="16" fill="#f8f1e4"/>
<path d="M${left + 8} ${bottom - 6}L${middle} ${tip - 40}L${right - 8} ${bottom - 6}" fill="none" stroke="#d8cdbb" stroke-width="3" stroke-linejoin="round"/>
<path d="M${left + 4} ${top + 6}L${middle - 26} ${tip - 14}Q${middle} ${tip + 10} ${middle + 26} ${tip - 14}L${right - 4} ${top + 6}Q${right - 8} ${top} ${right - 18} ${top}H${left + 18}Q${left + 8} ${top} ${left + 4} ${top + 6}Z" fill="#fbf6ec" stroke="#d8cdbb" stroke-width="3" stroke-linejoin="round"/>
${seal(middle, tip, size)}
</svg>`;
}

const pictures = {
  "letter-wide": [1200, 630, envelope(1200, 630, [250, 950, 92, 538], 250)],
  letter: [400, 400, envelope(400, 400, [36, 364, 84, 316], 150)],
};
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM });
for (const [name, [width, height, svg]] of Object.entries(pictures)) {
  const page = await browser.newPage({ viewport: { width, height } });
  await page.setContent(`<style>body { margin: 0 }</style>${svg}`);
  const png = await sharp(await page.screenshot()).png({ palette: true, colours: 64, effort: 10 }).toBuffer();
  writeFileSync(join(root, "web/preview", `${name}.png`), png);
  console.log(`${name}.png: ${png.length} bytes`);
}
await browser.close();
