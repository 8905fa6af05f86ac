// A typed client that a public generator makes of docs/openapi.json: right calls compile and work against the edge, wrong ones do
// not compile.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { document } from "./lib/document.mjs";
import { startSite, until } from "./lib/site.mjs";

const run = promisify(execFile);
const CLIENT = join(ROOT, "tests/client");
// Below the checkout, where the packages are found.
const MADE = join(CLIENT, "made");

let site;
before(async () => {
  mkdirSync(MADE, { recursive: true });
  const generator = join(CLIENT, "node_modules/openapi-typescript/bin/cli.js");
  await run(process.execPath, [generator, "docs/openapi.json", "--output", join(MADE, "api.d.ts")], { cwd: ROOT });
  site = await startSite("client");
});
after(async () => {
  await site?.stop();
  rmSync(MADE, { recursive: true, force: true });
});

test("the types have every path and every operation", () => {
  const types = readFileSync(join(MADE, "api.d.ts"), "utf8");
  for (const [path, item] of Object.entries(document.paths)) {
    assert.ok(types.includes(`"${path}": {`), path);
    for (const { operationId } of Object.values(item)) assert.ok(types.includes(`${operationId}: {`), operationId);
  }
});

test("right calls compile, and each wrong one is refused by the compiler", async () => {
  const options = "--ignoreConfig --noEmit --strict --target esnext --module nodenext --allowImportingTsExtensions --skipLibCheck --types node".split(" ");
  await run(join(ROOT, "node_modules/.bin/tsc"), [...options, "right.ts", "wrong.ts"], { cwd: CLIENT }).catch((error) => assert.fail(error.stdout));
});

test("what compiles works against the edge", async () => {
  const letter = await site.put(randomBytes(100), { about: { customer: "C-1042" } });
  // The list hears of it when its ledger takes it on, a moment later.
  await site.record(letter);
  const sealed = () => site.send("GET", "/api/v1/letters?state=sealed", { headers: { authorization: `Bearer ${site.apiKey}` } });
  await until(async () => JSON.parse((await sealed()).body).letters.length === 1);
  const { stdout } = await run(process.execPath, ["right.ts", site.url, site.apiKey, letter.letter], { cwd: CLIENT });
  const { key, link, sms, letters, ...said } = JSON.parse(stdout);
  site.remember(key, link);
  assert.ok(link.startsWith(`${site.url}/`) && sms.includes(link), sms);
  assert.match(key, /^wsk_/);
  assert.ok(letters.includes(letter.letter), "beside the one that it has made, if the index has heard of that");
  assert.deepEqual(said, {
    ...{ sender: "Garage Vermeer", kinds: ["sealed"], counts: [1], changed: true, problem: "no_such_key" },
  });
});
