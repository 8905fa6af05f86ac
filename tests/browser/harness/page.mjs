// A letter page after the contract between server and viewer: the same hooks as templates/letter.html, no more. The viewer itself
// and the style sheets are the true ones.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { words } from "../lib/words.mjs";

const template = (name) => readFileSync(new URL(`../../../templates/${name}`, import.meta.url), "utf8");

const STYLE = `
:root { --ink: #1c1a17; --paper: #fff; --ground: #f3ede3; --fill: #21599a; --on-fill: #fff; --edge: #21599a; --link: #21599a }
${["base", "letter", "viewer"].map((sheet) => template(`${sheet}.css`)).join("")}
[data-print][hidden] { display: inline-block !important; visibility: hidden }
header { padding: 12px 16px; background: #21599a; color: #fff } main { padding: 12px }
`;

/** A part of the page in English, by the few things that it asks of its template language. */
function part(name, letter) {
  const chosen = template(name).replace(/\{% if l\.end_to_end %\}(.*?)\{% endif %\}/gs, letter.mode === "end-to-end" ? "$1" : "");
  const filled = chosen.replace(/\{\{ s\.m\.letter\.(\w+)\((?:[^()]|\(\))*\) \}\}/g, (_, key) => escape(words.en.letter[key]));
  const left = /\{[{%].*?[}%]\}/.exec(filled);
  if (left) throw new Error(`${name}: ${left[0]} is not understood here`);
  return filled;
}

export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const escape = (text) =>
  String(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

export function letterPage(letter) {
  const data = Object.entries({
    mode: letter.mode,
    report: `${letter.path}/report`,
    length: letter.length,
    "body-length": letter.bodyLength,
    "record-size": letter.recordSize,
    sha256: letter.sha256,
    "media-type": letter.mediaType,
    "file-name": letter.fileName,
    ...letter.data,
  })
    .map(([name, value]) => `data-${name}="${escape(value)}"`)
    .join(" ");
  const download =
    letter.mode === "end-to-end"
      ? `<button type="button" data-download>Download</button>`
      : `<a data-download href="${letter.path}/report?download=1">Download</a>`;
  const form = (id) => `<form data-key-form>
    <label for="${id}">Paste the whole link from the message</label>
    <input id="${id}" data-link autocomplete="off" autocapitalize="off" spellcheck="false">
    <p data-key-error role="alert" hidden>This link does not hold a whole key.</p>
    <button>Open</button></form>`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A letter</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>${STYLE}</style>
<script type="module" src="/assets/viewer.js"></script></head><body>
<header>Test Surveyors Ltd</header>
<main id="letter" class="reading" ${data}><h1>Your report</h1><button type="button" data-print hidden>Print</button>
<section data-when="loading"><progress max="100" aria-label="Loading"></progress><p data-arriving role="status" data-lib="Loading the viewer" data-worker="Loading the viewer" data-report="Loading the report" data-drawing="Drawing the first page"></p></section>
${part("viewer.html", letter)}
<section data-when="missing-key" hidden><h2>The link is not whole</h2>${form("link-1")}</section>
<section data-when="wrong-key" hidden><h2>The key does not fit</h2>${form("link-2")}</section>
<section data-when="damaged" hidden><h2>The letter is damaged</h2></section>
<section data-when="offline" hidden><h2>No connection</h2><button type="button" data-retry>Try again</button></section>
<section data-when="closed" hidden><h2>The letter is no longer available</h2></section>
${["download", "large", "broken", "old-browser"].map((when) => `<section data-when="${when}" hidden><h2>${escape(letter.fileName)}</h2>${download}</section>`).join("\n")}
<section data-when="password" hidden><h2>${escape(letter.fileName)}</h2><form data-password-form><label for="password">Password</label>
  <input id="password" data-password type="password"><p data-password-error role="alert" hidden>Try again</p><button>Show</button></form>${download}</section>
<div data-download-panel hidden data-text-progress="Downloading: {percent} %" data-text-done="Saved" data-text-ready="Ready to save"
  data-text-failed="The download failed" data-text-unsupported="Open this page in your browser">
  <p data-download-status role="status" aria-live="polite"></p><progress data-download-bar max="100" aria-label="Download"></progress>
  <button type="button" data-share hidden>Save or share</button><button type="button" data-download-cancel>Stop</button></div>
${part("print.html", letter)}
</main></body></html>`;
}
