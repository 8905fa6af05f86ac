// The bar of what has to come, where requests begin again and sizes are not known.

import assert from "node:assert/strict";
import { buildSync } from "esbuild";
import { test } from "node:test";

const { outputFiles } = buildSync({ entryPoints: ["web/arrival.ts"], bundle: true, format: "esm", write: false });
const { Arrival } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);

/** A bar and its words, of which the attributes say what is read. */
function played(expected) {
  const bar = { value: null, removeAttribute: () => (bar.value = null) };
  const words = { textContent: "", getAttribute: (name) => name };
  return { bar, words, arrival: new Arrival(bar, words, expected) };
}

test("a file that is fetched again from its beginning does not draw the bar back", () => {
  const { bar, arrival } = played({ pdf: 50, report: 50 });
  arrival.set("pdf", 40);
  assert.equal(bar.value, 40);
  arrival.set("pdf", 10);
  assert.equal(bar.value, 40);
  arrival.set("pdf", 50);
  arrival.set("report", 20);
  assert.equal(bar.value, 70);
});

test("a file that is longer than it was said to be counts as long as it was said to be", () => {
  const { bar, arrival } = played({ pdf: 50, report: 50 });
  arrival.set("pdf", 80);
  assert.equal(bar.value, 50);
});

test("of a report of which nobody knows how much is needed there is no number, and it is the last to be named", () => {
  const { bar, words, arrival } = played({ pdf: 50, report: Infinity });
  arrival.set("report", 1_000);
  arrival.set("pdf", 25);
  assert.deepEqual([bar.value, words.textContent], [50, "data-pdf"]);
  arrival.set("pdf", 50);
  assert.deepEqual([bar.value, words.textContent], [null, "data-report"]);
});
