// `./scripts/demo` as somebody uses it: it stays up, goes on where it stopped, and leaves nothing behind on Ctrl-C.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ROOT, freePort } from "../../scripts/lib/edge.mjs";

const TOKEN = /http:\/\/127\.0\.0\.1:(\d+)\/([0-9a-z]{66})(?:#([0-9a-z]{26}))?(?=\s)/;
// Every process of the demo inherits this variable.
const MARK = randomUUID();

const place = mkdtempSync(join(tmpdir(), "waxseal-demo-"));
const folder = join(place, "demo");
const running = new Set();
after(() => {
  for (const demo of running) demo.signal("SIGKILL");
  rmSync(place, { recursive: true, force: true });
});

/** Starts the demo in a process group of its own, as a terminal does, and collects what it prints. */
function start(...args) {
  // Wrangler would keep its own logs below XDG_CONFIG_HOME; the search of this folder then finds them.
  const env = { ...process.env, WAXSEAL_DEMO_MARK: MARK, XDG_CONFIG_HOME: join(place, "config") };
  const child = spawn(join(ROOT, "scripts/demo"), ["--folder", folder, ...args], { detached: true, env, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  let heard = () => {};
  const demo = {
    text: () => text,
    signal: (name) => process.kill(-child.pid, name),
    ended: new Promise((resolve) =>
      child.once("close", (code, signal) => {
        running.delete(demo);
        resolve({ code, signal, text });
        heard();
      }),
    ),
    /** What `pattern` finds in the output, as soon as it is there. */
    said: (pattern) =>
      new Promise((resolve, reject) => {
        heard = () => {
          const found = pattern.exec(text);
          if (found) resolve(found);
          else if (!running.has(demo)) reject(new Error(`The demo ended without saying ${pattern}:\n${text}`));
        };
        heard();
      }),
  };
  running.add(demo);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (more) => {
      text += more;
      heard();
    });
  }
  return demo;
}

async function state(link) {
  const answer = await fetch(link, { headers: { accept: "application/json" } });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** Processes that carry our mark. Linux tells; elsewhere the closed port has to do. */
function leftOver() {
  let found = [];
  try {
    found = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  } catch {
    return [];
  }
  return found.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").includes(MARK) && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return false; // gone meanwhile, or somebody else's
    }
  });
}

/** Ctrl-C: the whole group gets SIGINT. Then nothing is left: no process, nobody on the port. */
async function interrupt(demo, url) {
  assert.ok(process.platform !== "linux" || leftOver().length > 1, "the processes of a running demo carry the mark");
  demo.signal("SIGINT");
  const { code, signal, text } = await demo.ended;
  assert.deepEqual([code, signal], [0, null], text);
  assert.match(text, /Stopping\n$/);
  assert.deepEqual(leftOver(), []);
  await assert.rejects(fetch(url), "nobody listens any more");
}

/** Sends a mail as a mail program does: a line for each answer. */
async function send(port, mail) {
  const lines = ["HELO demo", "MAIL FROM:<a@shop.example>", "RCPT TO:<jan@mail.example>", "DATA", `${mail}.`, "QUIT"];
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  for await (const _ of socket) {
    const line = lines.shift();
    if (line === undefined) break;
    socket.write(`${line}\r\n`);
  }
}

function filesWith(text) {
  return readdirSync(place, { recursive: true })
    .map((name) => join(place, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(text));
}

test("it stays up, prints a link that opens, stops on Ctrl-C, and goes on where it stopped", { timeout: 300_000 }, async () => {
  const port = String(await freePort());
  const first = start("--port", port);
  const [link, on, token] = await first.said(TOKEN);
  await first.said(/Ctrl-C/);
  assert.equal(on, port);
  assert.equal((await state(link)).state, "envelope");
  assert.match(first.text(), /[█▀▄]/, "a QR code");
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, "keyring.json")).mode & 0o777, 0o600);
  const [, mailPort] = await first.said(/sent to 127\.0\.0\.1:(\d+) is shown here/);
  await send(Number(mailPort), `To: jan@mail.example\r\nSubject: Hello\r\n\r\n${link}\r\n`);
  await first.said(new RegExp(`A mail to jan@mail\\.example: Hello\n +${link}\n`));
  const keys = readFileSync(join(folder, "keyring.json"), "utf8");
  const person = await state(link);
  const headers = { accept: "application/json", origin: new URL(link).origin };
  const refused = await fetch(`${link}/refuse`, { method: "POST", headers, body: new URLSearchParams({ nonce: person.nonce }), redirect: "manual" });
  assert.equal(refused.status, 303);
  await interrupt(first, link);

  // The port is the same, so the old link is too; what happened to the letter is still known.
  const second = start("--port", port, "--end-to-end");
  const [, again, fresh, key] = await second.said(TOKEN);
  await second.said(/Ctrl-C/);
  assert.equal(again, port);
  assert.notEqual(fresh, token);
  assert.ok(key, "an end-to-end link carries its key");
  assert.equal(readFileSync(join(folder, "keyring.json"), "utf8"), keys);
  assert.equal((await state(link)).closed, "refused");
  await interrupt(second, link);

  // Nothing that the local runner keeps (logs, traces, stores) names a link.
  for (const secret of [token, fresh, key]) assert.deepEqual(filesWith(secret), []);
});

test("a taken port is no obstacle, and SIGTERM stops it as well", { timeout: 300_000 }, async () => {
  const { createServer } = await import("node:http");
  const taken = createServer((_, response) => response.end());
  await new Promise((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address();
  try {
    const demo = start("--port", String(port));
    const [link, on] = await demo.said(TOKEN);
    await demo.said(/Ctrl-C/);
    assert.notEqual(Number(on), port);
    assert.match(demo.text(), new RegExp(`Port ${port} is taken, using ${on}\\.`));
    assert.equal((await state(link)).state, "envelope");
    demo.signal("SIGTERM");
    assert.equal((await demo.ended).code, 0);
    assert.deepEqual(leftOver(), []);
  } finally {
    taken.close();
  }
});

test("a wrong option is told in one sentence", async () => {
  for (const args of [["--port", "0"], ["--port", "http"], ["--nonsense"], ["--port", "65536"]]) {
    const { code, text } = await start(...args).ended;
    assert.equal(code, 2, text);
    assert.match(text, /^waxseal: .*Options: --once, --port N, --end-to-end, --folder DIR\.\n$/m);
  }
});
