// Two hundred letters of one site, from the bucket to the end of their retention. `./scripts/test soak` does it with ten
// thousand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { manyLetters } from "./lib/many.mjs";

test("two hundred letters: each lives its life, the sweep misses none, the log has each event once, storage returns", async () => {
  const told = await manyLetters("life-many", 200);
  assert.deepEqual(told.readers, { nobody: 180, opened: 10, consented: 10 });
  assert.equal(told.events, 180 * 4 + 10 * 6 + 10 * 6);
  assert.ok(!Object.keys(told.left.by).some((key) => key.startsWith("letters")), JSON.stringify(told.left.by));
  assert.ok(told.empty.bucket < told.full.bucket, `${told.full.bucket} bytes in the bucket, then ${told.empty.bucket}`);
});
