// PDF.js without what a letter page never uses: forms of the XFA kind (we open files with `enableXfa: false`), the editors, and
// the word list of the Brotli filter, which is fetched by the rare file that has it. More than a third of what it would be.
//
// PDF.js ships each of its two scripts as one file that names the source of each part. Parts are left out by name; a name that is no longer
// there, and a use of something that went, fails the build.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";

const CUTS = {
  "pdf.mjs": {
    without: [/^src\/display\/editor\//, /^src\/display\/(xfa_layer|xfa_text|draw_layer|touch_manager|node_utils|network|network_stream|fetch_stream|node_stream)\.js$/],
    // Named by its list of exports, and by choices that are never made.
    instead: `
      class AnnotationEditor {}
      const AnnotationEditorLayer = null, AnnotationEditorUIManager = null, ColorPicker = null, DrawLayer = null, HighlightOutliner = null, getNetworkStream = null,
        NodeBinaryDataFactory = null, NodeCanvasFactory = null, NodeFilterFactory = null, SignatureExtractor = null, TouchManager = null,
        XfaLayer = null, XfaText = null;`,
    // web/pdf/page.ts says when the drawing of a page goes on.
    changes: [[/useRequestAnimationFrame: !intentPrint,/, "useRequestAnimationFrame: false,"]],
  },
  "pdf.worker.mjs": {
    without: [/^src\/core\/xfa\//, /^src\/core\/editor\/pdf_editor\.js$/, /^src\/core\/(xfa_fonts|\w+_factors|liberationsans_widths)\.js$/],
    instead: `
      const getXfaFontName = () => null, getXfaFontDict = () => null, PDFEditor = null;
      class XFAFactory { static getRichTextAsHtml() { return null; } }
      // A worker may wait for a file.
      function brotliWords() {
        const request = new XMLHttpRequest();
        request.open("GET", __BROTLI_WORDS__, false);
        request.send();
        if (request.status !== 200) throw new Error("no words for Brotli");
        return JSON.parse(request.responseText);
      }`,
    changes: [
      // Names of classes do not outlive the build.
      [/this\.constructor\.name !== "Annotation"/, "this.constructor !== Annotation"],
      // Made when it is needed; its words come as one file.
      [/let BrotliDecode = makeBrotliDecode\(\);/, "let brotliDecode; const BrotliDecode = (bytes) => (brotliDecode ??= makeBrotliDecode())(bytes);"],
      [/unpackDictionaryData\(dictionaryData((?:, "(?:[^"\\]|\\.)*"){3}), /, "unpackDictionaryData(dictionaryData, ...brotliWords(), "],
    ],
  },
};

const GONE = "pdfjs_part_that_went";

/** For esbuild: PDF.js's `file` from its folder. `words` takes the word list, as JSON. */
export function pdfjsCuts(pdfjs, file, words = () => undefined) {
  const { contents, names, found } = cut(join(pdfjs, "build", file), CUTS[file]);
  if (found) words(found);
  return {
    name: "pdfjs-cuts",
    setup(build) {
      build.onLoad({ filter: new RegExp(`/build/${file.replaceAll(".", "\\.")}$`) }, () => ({ contents, loader: "js" }));
      // esbuild puts another name in the place of one that is nobody's.
      build.initialOptions.define = { ...build.initialOptions.define, ...Object.fromEntries(names.map((name) => [name, `${GONE}.${name}`])) };
      build.onEnd(({ outputFiles }) => {
        for (const { text } of outputFiles) {
          const used = text.match(new RegExp(`\\b${GONE}\\.\\w+`, "g")) ?? [];
          if (used.length > 0) lost(`${[...new Set(used)].join(", ")} in use`);
          if (/\.constructor\.name\b/.test(text)) lost("a class asked for its name");
        }
      });
    },
  };
}

function cut(path, { without, instead, changes }) {
  const [head, ...parts] = readFileSync(path, "utf8").split(/^;\/\/ \.\/(\S+)\n/m);
  const used = new Set();
  const names = new Set();
  let text = head;
  for (let at = 0; at < parts.length; at += 2) {
    const rule = without.find((one) => one.test(parts[at]));
    if (!rule) {
      text += parts[at + 1];
      continue;
    }
    used.add(rule);
    for (const [, name] of parts[at + 1].matchAll(/^(?:async )?(?:class|function\*?|const|let|var) ([\w$]+)/gm)) names.add(name);
  }
  if (used.size < without.length) lost("a part");
  let found;
  for (const [from, to] of changes) {
    const [whole, inside] = from.exec(text) ?? lost(String(from));
    if (inside) found = JSON.stringify(runInNewContext(`[${inside.slice(2)}]`));
    text = text.replace(whole, () => to);
    if (from.test(text)) lost(`${from} a second time`);
  }
  // A part's neighbours may have declared the same name for themselves, and `instead` has what is asked for.
  return { contents: `${text}\n${instead}`, names: [...names], found };
}

function lost(what) {
  throw new Error(`pdfjs-dist is not as it was: ${what} (scripts/lib/pdfjs-cuts.mjs)`);
}
