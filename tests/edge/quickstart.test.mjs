// The quickstarts of docs/QUICKSTART.md, run as they are: each creates a letter, mails its message to a mailbox that takes everything,
// and hears by a webhook that it verifies what the person did. What is not signed it refuses.

import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { glance, mailbox } from "../../examples/quickstart/mailbox.mjs";
import { ROOT, freePort } from "../../scripts/lib/edge.mjs";
import { startSite, until } from "./lib/site.mjs";

const PYTHON = process.env.WAXSEAL_PYTHON ?? "python3";
const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
const RUST = join(dirname(BIN), "quickstart-rust");
/** What has to be there, and what stands for a program that the tests bring. */
const NEEDS = { curl: ["curl", "jq", "openssl", "nc"], Python: [PYTHON], Node: [], PHP: ["php"], Rust: [RUST] };
const BROUGHT = [[/^python3 /, `${PYTHON} `], [/^node /, `${process.execPath} `], [/^cargo run .*? -- /, `${RUST} `]];

/** The commands of the document: those that prepare, and by language. */
const page = readFileSync(join(ROOT, "docs/QUICKSTART.md"), "utf8");
const PREPARES = [...page.matchAll(/```sh\n([^]*?)```/g)][1][1].replace(/^ +/gm, "");
const rows = [...page.matchAll(/^ *\| (\w+) \|[^|]*\| `([^`|]*)` \| `([^`|]*)` \|$/gm)];
const QUICKSTARTS = rows.map(([, language, receive, send]) => ({ language, receive, send }));

// What Python's library finds in a mail.
const PARSE = `
import email, email.policy, json, sys
mail = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
part = lambda kind: mail.get_body((kind,)).get_content()
print(json.dumps({"headers": {name.lower(): str(value) for name, value in mail.items()}, "text": part("plain"), "html": part("html")}))
`;

const REPORT = "Your car passed its inspection.\n";

let site, folder, server;
const mails = [];
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "waxseal-quickstart-"));
  symlinkSync(join(ROOT, "examples"), join(folder, "examples"));
  server = mailbox((mail) => mails.push(mail)).listen(0, "127.0.0.1");
  await once(server, "listening");
  site = await startSite("quickstart");
  mkdirSync(join(folder, ".waxseal/demo"), { recursive: true });
  writeFileSync(join(folder, ".waxseal/demo/keyring.json"), JSON.stringify(site.keyring), { mode: 0o600 });
});
after(async () => {
  server?.close();
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the API says, with the site's key. */
const look = async (path) => JSON.parse((await site.send("GET", `/api/v1/${path}`, { headers: { authorization: `Bearer ${site.apiKey}` } })).body);

/** The document's preparations, for a receiver on this port: the key and the secret. */
async function prepare(port) {
  const script = PREPARES.replace("http://127.0.0.1:8787", site.url).replace("127.0.0.1:9000", `127.0.0.1:${port}`);
  const { stdout } = await promisify(execFile)("sh", ["-euc", `${script}\necho "$WAXSEAL_API_KEY $WAXSEAL_WEBHOOK_SECRET"`], {
    cwd: folder,
    env: { PATH: `${dirname(BIN)}:${process.env.PATH}`, HOME: process.env.HOME },
  });
  const found = stdout.trim().split(" ");
  site.remember(...found);
  assert.match(stdout, /^wsk_\w+ whsec_\S+\n$/);
  return found;
}

/** Runs a command of the document: what it says so far, and when it ended. */
function run(command, env) {
  const line = BROUGHT.reduce((line, [from, to]) => line.replace(from, to), command);
  // A group of its own, for it may start others.
  const child = spawn("sh", ["-c", `exec ${line}`], { cwd: folder, detached: true, env: { PATH: process.env.PATH, HOME: process.env.HOME, PYTHONUTF8: "1", ...env } });
  const kill = () => child.exitCode === null && child.signalCode === null && process.kill(-child.pid);
  const it = { child, kill, said: "", ended: once(child, "close") };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (it.said += data));
  return it;
}
const there = (program) => {
  try {
    execFileSync("sh", ["-c", `command -v "$0"`, program]);
    return true;
  } catch {
    return false;
  }
};

/** The headers of a webhook that is sent now. */
const signed = (signature) => ({ "webhook-id": "x", "webhook-timestamp": String(Math.floor(Date.now() / 1000)), "webhook-signature": signature });

/** Whether somebody listens, without a word to them: the receiver with curl hears one caller only. */
const listens = (port) => readFileSync("/proc/net/tcp", "utf8").includes(`:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`);

test("the document has a row for each", () => {
  assert.deepEqual(QUICKSTARTS.map((it) => it.language), Object.keys(NEEDS));
});

for (const { language, receive, send } of QUICKSTARTS) {
  const missing = NEEDS[language].filter((program) => !there(program));
  test(`${language}: sends a letter, and hears that the person agreed`, { skip: missing.length > 0 && `not installed: ${missing}` }, async () => {
    const port = await freePort();
    const [key, secret] = await prepare(port);
    const receiver = run(receive.replace("9000", String(port)), { WAXSEAL_WEBHOOK_SECRET: secret, PORT: String(port) });
    try {
      await until(() => listens(port));
      const sender = run(send, { WAXSEAL_URL: site.url, WAXSEAL_API_KEY: key, SMTP_PORT: String(server.address().port) });
      const [code] = await sender.ended;
      const letter = /^sent: ([0-9a-f-]{36})\n$/.exec(sender.said)?.[1];
      assert.ok(code === 0 && letter, sender.said);

      const mail = mails.at(-1);
      const { headers, text: plain, html } = JSON.parse(execFileSync(PYTHON, ["-c", PARSE], { input: mail }));
      const [link, token] = /http:\/\/127\.0\.0\.1:\d+\/([0-9a-z]{66})/.exec(plain);
      site.remember(token);
      assert.deepEqual(glance(mail), { to: "jan@mail.example", subject: headers.subject, link });
      assert.ok(html.includes(link) && headers.subject.includes("Inspection of your car"), JSON.stringify(headers));
      // As it stands in the mail: what is encoded there no mail program finds.
      const unfolded = mail.replace(/\r\n[ \t]/g, " ").replace(/: +/g, ": ");
      assert.ok(unfolded.includes(`\r\nList-Unsubscribe: <${link}/withdraw>\r\n`), unfolded);
      assert.ok(unfolded.includes("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
      const person = site.browser();
      await person.consent(`/${token}`);
      assert.equal((await person.get(`/${token}/report`)).body.toString(), REPORT);

      if (language !== "curl") {
        const forged = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: '{"type":"letter.consented","data":{}}', headers: signed("v1,AAAA") });
        assert.equal(forged.status, 400);
      }
      await until(() => receiver.said.includes("verified:") || receiver.child.exitCode !== null);
      assert.deepEqual(receiver.said.match(/verified: .*/g), [`verified: letter.consented ${letter}`], receiver.said);
      const { webhook } = (await look("webhooks")).webhooks.find((it) => it.url.includes(`:${port}/`));
      const deliveries = await until(async () => {
        const found = (await look(`webhooks/${webhook}/deliveries`)).deliveries;
        return found[0]?.state === "delivered" && found;
      });
      assert.deepEqual(deliveries.map((it) => [it.letter, it.kind, it.attempts.length]), [[letter, "letter.consented", 1]]);
    } finally {
      receiver.kill();
      await receiver.ended;
    }
  });
}

test("curl's receiver refuses what another secret signed", { skip: !there("nc") && "not installed: nc" }, async () => {
  const port = await freePort();
  const receiver = run(QUICKSTARTS[0].receive, { WAXSEAL_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32).toString("base64")}`, PORT: String(port) });
  await until(() => listens(port));
  const head = Object.entries({ "content-length": 2, ...signed("v1,AAAA") }).map(([name, value]) => `${name}: ${value}\r\n`);
  const socket = connect(port, "127.0.0.1");
  socket.write(`POST / HTTP/1.1\r\n${head.join("")}\r\n{}`);
  assert.match(await text(socket), /^HTTP\/1\.1 400 /);
  socket.end();
  const [code] = await receiver.ended;
  assert.deepEqual([code, receiver.said.trim()], [1, "refused: not signed with our secret, or too old"]);
});
