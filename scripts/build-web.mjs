// Builds the browser code into assets/. Run: node scripts/build-web.mjs [--report]
//
//   assets/viewer.js             the letter page
//   assets/envelope.js           the envelope of an end-to-end letter (when web/envelope.ts exists)
//   assets/older.js              what the letter page says where viewer.js does not run
//   assets/pdf-HASH.js           the part of PDF.js that runs in the page; loaded only for a PDF
//   assets/pdf.layers-HASH.js    text, links, forms and search over the pages; loaded after the first page is drawn
//   assets/print-HASH.js         prints the report; loaded after what is read
//   assets/pdf.worker-HASH.js    PDF.js's worker
//   assets/pdfjs-VERSION/        character maps, standard fonts, script decoders, icons of notes: fetched one by one, only when a PDF needs them
//   assets/preview/              the pictures of link previews
//   assets/scripts.json          the names of these for the edge; served to nobody
//   assets/openapi.json          the API's document and the page of it, for the API alone: below /assets/ nobody is served them
//   assets/reference.html
//   assets/THIRD-PARTY.txt       licences of all of these

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { pdfjsCuts } from "./lib/pdfjs-cuts.mjs";
import { pdfjsLayers } from "./lib/pdfjs-layers.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const assets = join(root, "assets");
const modules = join(root, "node_modules");
const pdfjs = join(modules, "pdfjs-dist");

// Only what this script makes: other builds may keep files of their own in assets/.
const OURS = /^(viewer|envelope|older|pdf-[0-9a-z]+|print-[0-9a-z]+|pdf\.(worker|layers)-[0-9a-z]+)\.js$|^pdfjs-|^preview$|^(scripts|openapi)\.json$|^reference\.html$|^THIRD-PARTY\.txt$/;

mkdirSync(assets, { recursive: true });
for (const name of readdirSync(assets)) {
  if (OURS.test(name)) rmSync(join(assets, name), { recursive: true });
}

const common = { bundle: true, format: "esm", minify: true, legalComments: "none", charset: "utf8", logLevel: "warning" };

// PDF.js as it is for the newest browsers, with what older ones lack (web/pdf/older.ts) in 3 kB. What still does not run it is offered a download.
let brotliWords;
const version = readJson(join(pdfjs, "package.json")).version;
const dataName = `pdfjs-${version}`;
const pdfjsBuild = { ...common, target: "es2022", write: false };
const lib = await build({ ...pdfjsBuild, entryPoints: [join(root, "web/pdf/lib.ts")], plugins: [pdfjsCuts(pdfjs, "pdf.mjs")] });
const libName = place("pdf", lib.outputFiles[0].contents);
const worker = await build({
  ...pdfjsBuild,
  entryPoints: [join(root, "web/pdf/worker.ts")],
  define: { __BROTLI_WORDS__: JSON.stringify(`/assets/${dataName}/decoders/brotli.txt`) },
  plugins: [pdfjsCuts(pdfjs, "pdf.worker.mjs", (words) => (brotliWords = words))],
});
const workerName = place("pdf.worker", worker.outputFiles[0].contents);

const data = join(assets, dataName);
cpSync(join(pdfjs, "cmaps"), join(data, "cmaps"), { recursive: true });
cpSync(join(pdfjs, "standard_fonts"), join(data, "fonts"), { recursive: true });
mkdirSync(join(data, "decoders"));
writeFileSync(join(data, "decoders/brotli.txt"), brotliWords);
for (const name of readdirSync(join(pdfjs, "wasm"))) {
  if (/_nowasm_fallback\.js$|^LICENSE_(PDFJS_)?(JBIG2|OPENJPEG)$/.test(name)) {
    cpSync(join(pdfjs, "wasm", name), join(data, "decoders", name));
  }
}

mkdirSync(join(data, "images"));
for (const name of readdirSync(join(pdfjs, "legacy/web/images"))) {
  if (/^annotation-\w+\.svg$/.test(name)) cpSync(join(pdfjs, "legacy/web/images", name), join(data, "images", name));
}

const layers = await build({
  ...common,
  entryPoints: [join(root, "web/pdf/layers.ts")],
  target: "es2022",
  write: false,
  plugins: [pdfjsLayers(pdfjs)],
  define: { __PDF_DATA__: JSON.stringify(`/assets/${dataName}/`) },
});
const layersName = place("pdf.layers", layers.outputFiles[0].contents);
const print = await build({ ...common, entryPoints: [join(root, "web/print.ts")], target: "es2020", write: false });
const printName = place("print", print.outputFiles[0].contents);

const entries = ["viewer", "envelope"].filter((name) => existsSync(join(root, `web/${name}.ts`)));
await build({
  ...common,
  entryPoints: entries.map((name) => join(root, `web/${name}.ts`)),
  outdir: assets,
  target: "es2020",
  define: {
    __PRINT__: JSON.stringify(`/assets/${printName}`),
    __PDF_LIB__: JSON.stringify(`/assets/${libName}`),
    __PDF_LAYERS__: JSON.stringify(`/assets/${layersName}`),
    __PDF_WORKER__: JSON.stringify(`/assets/${workerName}`),
    __PDF_DATA__: JSON.stringify(`/assets/${dataName}/`),
    __PDF_LIB_SIZE__: sizesOf(libName),
    __PDF_WORKER_SIZE__: sizesOf(workerName),
    __PDF_BYTES__: String([libName, layersName, workerName].reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0)),
  },
});

await build({ ...common, entryPoints: [join(root, "web/older.ts")], outdir: assets, format: "iife", target: "es5" });
cpSync(join(root, "web/preview"), join(assets, "preview"), { recursive: true });
writeFileSync(join(assets, "openapi.json"), JSON.stringify(readJson(join(root, "docs/openapi.json"))));
cpSync(join(root, "docs/reference.html"), join(assets, "reference.html"));

// For the edge, which writes them into its pages. What the page of a PDF needs is in the order of its use.
const named = (name) => `${name}?${hashOf(readFileSync(join(assets, name)))}`;
writeFileSync(
  join(assets, "scripts.json"),
  JSON.stringify({ viewer: named("viewer.js"), envelope: named("envelope.js"), ahead: [libName, workerName, layersName] }),
);

writeFileSync(
  join(assets, "THIRD-PARTY.txt"),
  ["pdfjs-dist", "@noble/hashes"]
    .map((name) => {
      const { version: v, license } = readJson(join(modules, name, "package.json"));
      return `${name} ${v} (${license})\n\n${readFileSync(join(modules, name, "LICENSE"), "utf8")}`;
    })
    .join("\n\n----\n\n"),
);

if (process.argv.includes("--report")) report();

/** Writes a file whose name carries a hash of its content, so that page and worker can never be of different builds. */
function place(stem, contents) {
  const name = `${stem}-${hashOf(contents)}.js`;
  writeFileSync(join(assets, name), contents);
  return name;
}

/** How long a file is, and how long on the line. */
function sizesOf(name) {
  const bytes = readFileSync(join(assets, name));
  return JSON.stringify([bytes.length, gzipSync(bytes).length]);
}

function hashOf(contents) {
  return createHash("sha256").update(contents).digest("hex").slice(0, 10);
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function report() {
  for (const name of [...entries.map((entry) => `${entry}.js`), libName, layersName, workerName, printName]) {
    const bytes = readFileSync(join(assets, name));
    console.log(`${name.padEnd(28)} ${String(bytes.length).padStart(9)} bytes, ${brotliCompressSync(bytes).length} with brotli`);
  }
  const total = readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  console.log(`${`${dataName}/`.padEnd(28)} ${String(total).padStart(9)} bytes, fetched piece by piece on demand`);
}
