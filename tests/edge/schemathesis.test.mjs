// The document against the edge, by schemathesis: for each scope a key that has nothing else asks for everything that it may, with
// what the document allows and with what it does not. No 5xx, no answer that the document does not have, nothing that hangs.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { document } from "./lib/document.mjs";
import { startSite } from "./lib/site.mjs";
import { SEED, SOAK } from "./lib/soak.mjs";

// One worker: two trip over each other in the parser of Python 3.11.
const CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance,unsupported_method";
const EXAMPLES = SOAK ? 200 : 8;
const PYTHON = process.env.WAXSEAL_PYTHON ?? "python3";

const operations = Object.values(document.paths).flatMap(Object.values);
/** It would revoke the key that it shows. The table of `api.test.mjs` has it. */
const LEFT_OUT = "RevokeKey";
/** The guard's comes last: what it makes up may ban whoever asks. */
const SCOPES = [...new Set(operations.map(({ security }) => security[0].key[0]))].filter(Boolean).sort((a, b) => (a === "guard") - (b === "guard"));

let site;
let folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "waxseal-schemathesis-"));
  site = await startSite("schemathesis");
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
  return site?.stop();
});

for (const scope of SCOPES) {
  test(`what a key with the scope ${scope} may ask for`, async () => {
    const issued = await site.send("POST", "/api/v1/keys", { headers: { authorization: `Bearer ${site.apiKey}` }, body: JSON.stringify({ name: scope, scopes: [scope] }) });
    const { key } = JSON.parse(issued.body);
    site.remember(key);
    const own = operations.filter(({ security, operationId }) => security[0].key[0] === scope && operationId !== LEFT_OUT).flatMap(({ operationId }) => ["--include-operation-id", operationId]);
    const options = ["--url", site.url, "--header", `Authorization: Bearer ${key}`, "--checks", CHECKS, "--max-examples", String(EXAMPLES), "--seed", String(SEED), "--phases", "examples,coverage,fuzzing", "--workers", "1", "--request-timeout", "20", "--warnings", "off", "--no-color", "--suppress-health-check", "all", "--generation-database", "none", "--generation-with-security-parameters", "false"];
    const [code, said] = await new Promise((resolve) => {
      execFile(PYTHON, ["-m", "schemathesis.cli", "run", join(ROOT, "docs/openapi.json"), ...options, ...own], { cwd: folder, maxBuffer: 1 << 26 }, (error, out, err) => resolve([error ? (error.code ?? error.signal) : 0, `${out}\n${err}`]));
    });
    assert.equal(code, 0, said || `${PYTHON} has no schemathesis: ./scripts/setup test installs it`);
    const [, asked] = /(\d+) generated/.exec(said) ?? assert.fail(said);
    console.log(`${scope}: ${asked} requests`);
    // It was the API that answered, to the end: whoever is banned gets silence, which breaks no rule of the document.
    const last = await fetch(`${site.url}/api/v1/letters/x`, { headers: { authorization: `Bearer ${key}` } });
    assert.ok(last.headers.has("waxseal-version"));
  });
}
