// What the letter page takes of PDF.js's own viewer: the layers over a page, links and search, and the style rules of these layers.
//
// PDF.js ships its viewer as one file of which nothing can be shaken off. It names the source of each part, so the parts are
// taken by name here; a name that is no longer there fails the build.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transform } from "esbuild";

const PARTS = [
  "pdfjs",
  "pdf_find_utils",
  "ui_utils",
  "internal_evt",
  "pdf_find_controller",
  "pdf_link_service",
  "event_utils",
  "struct_tree_layer_builder",
  "text_accessibility",
  "text_highlighter",
  "text_layer_builder",
];
const NAMES = "EventBus, PDFFindController, PDFLinkService, StructTreeLayerBuilder, TextAccessibilityManager, TextHighlighter, TextLayerBuilder";
/** The oldest browsers that run PDF.js's older build; nested rules are unfolded for them. */
const BROWSERS = ["chrome110", "firefox115", "safari16.4"];

/** For esbuild: the modules `pdfjs-layers` and `pdfjs-layers.css`. */
export function pdfjsLayers(pdfjs) {
  return {
    name: "pdfjs-layers",
    setup(build) {
      build.onResolve({ filter: /^pdfjs-layers/ }, ({ path }) => ({ path, namespace: "pdfjs-layers" }));
      build.onLoad({ filter: /^pdfjs-layers$/, namespace: "pdfjs-layers" }, () => ({ contents: script(pdfjs), loader: "js" }));
      build.onLoad({ filter: /\.css$/, namespace: "pdfjs-layers" }, async () => ({ contents: await rules(pdfjs), loader: "text" }));
    },
  };
}

// Not the older build of it: web/pdf/older.ts has added what that one adds to the language.
function script(pdfjs) {
  const text = readFileSync(join(pdfjs, "web/pdf_viewer.mjs"), "utf8");
  const parts = new Map(text.split("\n;// ./").slice(1).map((part) => [/^web\/(\w+)\.js\n/.exec(part)?.[1], part.replace(/^.*\n/, "")]));
  const taken = PARTS.map((name) => parts.get(name) ?? lost(`web/${name}.js`));
  return `${taken.join("\n")}\nexport { ${NAMES} };\n`;
}

async function rules(pdfjs) {
  const text = readFileSync(join(pdfjs, "legacy/web/pdf_viewer.css"), "utf8");
  // The rules for editing a document stand in blocks of their own.
  const blocks = [...text.matchAll(/^\.(?:textLayer|annotationLayer) \{\n[^]*?\n\}/gm)].map(([block]) => block).filter((block) => !block.includes("editor"));
  if (blocks.length !== 2) lost("the rules of text and annotation layer");
  const { code } = await transform(blocks.join("\n"), { loader: "css", minify: true, target: BROWSERS });
  // A constructed sheet has no address, so that a picture in it would be looked for beside the letter.
  if (/url\((?!"?data:)/.test(code)) throw new Error("pdf_viewer.css: a layer's rule fetches something");
  return code;
}

function lost(what) {
  throw new Error(`pdfjs-dist: ${what} is not where it was`);
}
