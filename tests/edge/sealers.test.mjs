// The sealers that an origin developer copies, examples/seal.py and examples/seal.php, run as the programs they are: what they make
// is byte for byte what the vectors say, and other implementations, the edge and the command line open it.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { edgeKey, sha256 } from "./lib/seal.mjs";
import { startSite } from "./lib/site.mjs";

const ece = createRequire(import.meta.url)("http_ece");
const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
const VECTORS = JSON.parse(readFileSync(join(ROOT, "tests/vectors/seal.json"), "utf8"));
const KEYRING = JSON.stringify({ active: VECTORS.kid, keys: [{ id: VECTORS.kid, secret: Buffer.from(VECTORS.secret, "hex").toString("base64") }] });
const MIB = 1024 * 1024;

/** By language: the program, the sealer, and a program over its functions that answers what the vectors ask, and one that counts memory. */
const SEALERS = {
  python: {
    program: process.env.WAXSEAL_PYTHON ?? "python3",
    script: "examples/seal.py",
    vectors: ["-c", `
import hashlib, io, json, os, sys, uuid
sys.path.insert(0, "examples")
import seal
vectors, key = json.load(sys.stdin), seal.Key.active(os.environ["WAXSEAL_KEYS"])
def body(it):
    data = io.BytesIO(bytes(at % 251 for at in range(it["length"])))
    return b"".join(seal.body(bytes.fromhex(it["ikm"]), bytes.fromhex(it["salt"]), seal.Counted(data), it["record_size"]))
answer = {"bodies": [hashlib.sha256(body(it)).hexdigest() for it in vectors["bodies"]], "manifests": []}
for it in vectors["manifests"]:
    answer["manifests"].append(seal.manifest_object(key, uuid.UUID(it["letter"]), bytes.fromhex(vectors["nonce"]), it["json"]).hex())
print(json.dumps(answer))`],
    memory: ["-c", `
import resource, runpy, sys
sys.path.insert(0, "examples")
sys.argv = sys.argv[1:]
runpy.run_path("examples/seal.py", run_name="__main__")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)`, "seal.py"],
  },
  php: {
    program: "php",
    script: "examples/seal.php",
    vectors: ["-r", `
require 'examples/seal.php';
$vectors = json_decode(stream_get_contents(STDIN), true);
$key = waxseal_active_key(getenv('WAXSEAL_KEYS'));
$answer = ['bodies' => [], 'manifests' => []];
foreach ($vectors['bodies'] as $it) {
    $data = fopen('php://memory', 'w+');
    fwrite($data, substr(str_repeat(implode(array_map('chr', range(0, 250))), intdiv($it['length'], 251) + 1), 0, $it['length']));
    rewind($data);
    $body = waxseal_body(hex2bin($it['ikm']), hex2bin($it['salt']), new WaxsealCounted($data), $it['record_size']);
    $answer['bodies'][] = hash('sha256', implode(iterator_to_array($body, false)));
}
foreach ($vectors['manifests'] as $it) {
    $uuid = hex2bin(str_replace('-', '', $it['letter']));
    $answer['manifests'][] = bin2hex(waxseal_manifest($key, $uuid, hex2bin($vectors['nonce']), $it['json']));
}
echo json_encode($answer);`],
    memory: ["-r", `
$argv = array_slice($argv, 1);
register_shutdown_function(fn() => print(memory_get_peak_usage(true) . "\\n"));
$source = fopen($argv[0], 'rb');
require 'examples/seal.php';
$put = preg_match('~^http~', $argv[3]) ? waxseal_upload($argv[3], getenv('WAXSEAL_API_KEY')) : waxseal_folder($argv[3]);
waxseal_seal(getenv('WAXSEAL_KEYS'), $source, $put, ['file_name' => 'r', 'media_type' => $argv[1], 'subject' => $argv[2], 'not_after' => time() + 9999]);
`, "--"],
  },
};

let site, folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "waxseal-sealers-"));
  site = await startSite("sealers");
});
after(async () => {
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program from the top of the checkout: what it printed, or the error with its standard error. */
function run(program, args, { env = {}, input } = {}) {
  const all = { PATH: process.env.PATH, HOME: process.env.HOME, PYTHONDONTWRITEBYTECODE: "1", PYTHONUTF8: "1", NO_COLOR: "1", ...env };
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { cwd: ROOT, env: all, maxBuffer: MIB }, (error, out, err) => {
      for (const [, token] of out.matchAll(/\b([0-9a-z]{66})\b/g)) site.remember(token);
      if (error) reject(new Error(`${error.message}${out}${err}`));
      else resolve(out.trim());
    });
    child.stdin.end(input);
  });
}
const ours = () => ({ WAXSEAL_KEYS: JSON.stringify(site.keyring), WAXSEAL_API_KEY: site.apiKey });
const installed = (program) => {
  try {
    return execFileSync(program, ["--version"]).length > 0;
  } catch {
    return false;
  }
};

for (const [language, { program, script, vectors, memory }] of Object.entries(SEALERS)) {
  const there = installed(program) ? {} : { skip: `${program} is not installed` };

  test(`${language}: bodies and manifests are those of the vectors, byte for byte`, there, async () => {
    const answer = JSON.parse(await run(program, vectors, { env: { WAXSEAL_KEYS: KEYRING }, input: JSON.stringify(VECTORS) }));
    assert.deepEqual(answer.bodies, VECTORS.bodies.map((it) => it.body_sha256));
    assert.deepEqual(answer.manifests, VECTORS.manifests.map((it) => Buffer.from(it.object, "base64").toString("hex")));
  });

  test(`${language}: into a folder, for reports on both sides of a record's end; http_ece opens them`, there, async () => {
    for (const length of [0, 1, 65_519, 65_520, 200_000]) {
      for (const endToEnd of [false, true]) {
        const to = join(folder, `${language}-${length}-${endToEnd}`);
        const report = randomBytes(length);
        writeFileSync(join(folder, "a report.pdf"), report);
        const args = [join(folder, "a report.pdf"), "application/pdf", "Your report", to, "4000000000", ...(endToEnd ? ["--end-to-end"] : [])];
        const [token, fragment] = (await run(program, [script, ...args], { env: ours() })).split("#");
        assert.match(token, /^[0-9a-z]{66}$/);
        const [letter] = readdirSync(join(to, "letters"));
        assert.equal(letter[14], "7", "a version 7 UUID");
        const read = (name) => readFileSync(join(to, "letters", letter, name));
        const key = endToEnd ? fromCrockford(fragment) : edgeKey(site.keyring, letter);
        assert.ok(ece.decrypt(read("body"), { version: "aes128gcm", keyid: "" }, () => key).equals(report), `${length} bytes`);
        // The edge reads the manifest, and holds it against the body.
        const put = (name) => site.api("PUT", `${letter}/${name}`, { body: read(name) });
        assert.equal((await put("body")).status, 201);
        const sealed = await put("manifest");
        assert.equal(sealed.status, 201, sealed.body.toString());
        site.remember(fragment);
        const { subject, expires_at: end } = await site.browser().json(`/${token}`);
        assert.deepEqual([subject, end], ["Your report", 4_000_000_000]);
      }
    }
  });

  for (const [words, length, endToEnd] of [["in one request", 100_000, false], ["in one request, end to end", 100_000, true], ["in three parts", 20_000_000, false]]) {
    test(`${language}: uploaded ${words}; the command line opens and verifies it`, there, async () => {
      const report = join(folder, `${language} report.txt`);
      const copy = join(folder, `${language}-copy.txt`);
      writeFileSync(report, randomBytes(length));
      const args = [report, "application/octet-stream", "Prüfung – 車検", site.url, ...(endToEnd ? ["--end-to-end"] : [])];
      const link = await run(program, [script, ...args], { env: ours() });
      assert.equal(link.includes("#"), endToEnd);
      site.remember(link.split("#")[1]);
      await run(BIN, ["open", link, "--consent", "-o", copy]);
      assert.equal(sha256(readFileSync(copy)), sha256(readFileSync(report)));
      rmSync(copy);
    });
  }

  test(`${language}: a wrong end seals nothing; a wrong key, a problem and a key in the clear are said`, there, async () => {
    const report = join(folder, "report.txt");
    writeFileSync(report, "The report.");
    const sealed = (target, more = [], env = {}) => run(program, [script, report, "text/plain", "Your report", target, ...more], { env: { ...ours(), ...env } });
    const nothing = join(folder, `${language}-nothing`);
    await assert.rejects(sealed(nothing, ["0"]), /whole number of Unix seconds/);
    assert.throws(() => readdirSync(nothing), /ENOENT/);
    await assert.rejects(sealed(site.url, [], { WAXSEAL_API_KEY: "wsk_wrong" }), /404: is this a site, and the key right\?/);
    await assert.rejects(sealed("http://letters.example"), /must not travel in the clear/);
    await assert.rejects(run(program, [script, report, "text/plain", "two\nlines", site.url], { env: ours() }), /422: .*subject/);
  });

  test(`${language}: a large report takes no more memory than a few parts`, there, async (t) => {
    const report = join(folder, "large");
    writeFileSync(report, "");
    truncateSync(report, 160 * MIB);
    const peak = Number((await run(program, [...memory, report, "text/plain", "Large", site.url], { env: ours() })).split("\n").at(-1));
    t.diagnostic(`${Math.round(peak / MIB)} MiB`);
    assert.ok(peak > MIB && peak < 112 * MIB, `${peak} bytes`);
  });
}

/** The bytes of Crockford's letters. */
function fromCrockford(text) {
  const bits = [...text].map((c) => "0123456789abcdefghjkmnpqrstvwxyz".indexOf(c).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.slice(0, 128).match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}
