// Runs the edge on workerd itself, without wrangler around it: what dies is the runtime alone, and it starts again in a
// quarter of a second.
//
// Wrangler's own code reads the configuration and miniflare makes workerd's out of it, once. It is kept, and every start
// hands it to a workerd of ours. A fault of `faults.mjs` comes as a line on standard output.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../../../scripts/lib/edge.mjs";

/** What a line begins with that says where the front of `faults.mjs` stands still. */
export const FAULT = "@@fault ";

/** What a line begins with that holds a trace, from the consumer of `tailed`. */
const TRACE = "@@trace ";

// What the platform would store of each invocation: here it goes to the test.
const TAIL = `export default { tail(events) { for (const event of events) console.log(${JSON.stringify(TRACE)} + JSON.stringify(event)); } };`;

const LISTENS = /"event":"listen","socket":"entry","port":(\d+)/;
const require = createRequire(join(ROOT, "package.json"));

// Stands where miniflare looks for workerd: keeps what that would have read, says that it listens, and stays.
const SHIM = `#!/bin/sh
cat >"$WAXSEAL_KEEPS/config.tmp"
for word; do printf '%s\\n' "$word"; done >"$WAXSEAL_KEEPS/arguments"
mv "$WAXSEAL_KEEPS/config.tmp" "$WAXSEAL_KEEPS/config"
printf '{"event":"listen","socket":"entry","port":1}\\n' >&3
exec sleep 1000000
`;

const kept = new Map();

// A workerd that nobody stopped does not outlive the tests.
const running = new Set();
const folders = new Set();
process.on("exit", () => {
  running.forEach((child) => child.kill("SIGKILL"));
  folders.forEach((path) => rmSync(path, { recursive: true, force: true }));
});

/**
 * Starts the edge as `startEdge` of scripts/lib/edge.mjs does, and answers the same, and `fault`: a promise of the point at
 * which the front stands still, and `alive()`. Several starts with one `config`, `state` and `keyring` share the work of the first.
 * `tailed`: a consumer takes every trace of the module and its objects; they are in `traces`, and in no log.
 */
export async function startWorkerd({ state, keyring, log, config, tailed = false }) {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  if (log) appendFileSync(log, "");
  const key = [config, readFileSync(config, "utf8"), state, keyring, tailed].join("\n");
  if (!kept.has(key)) kept.set(key, await keep({ state, keyring, config, tailed }));
  const { binary, args, fed } = kept.get(key);

  const child = spawn(binary, args, { stdio: ["pipe", "pipe", "pipe", "pipe"], env: { PATH: process.env.PATH, TZ: "UTC" } });
  running.add(child);
  const ended = once(child, "exit").finally(() => running.delete(child));
  let output = "";
  const traces = [];
  let stood;
  const fault = new Promise((resolve) => (stood = resolve));
  const take = (line) => {
    const said = message(line);
    if (said.startsWith(FAULT)) return stood(JSON.parse(said.slice(FAULT.length)));
    // What workerd says to itself of a trace has the URL in it.
    if (said.startsWith("NOSENTRY reporting trace")) return;
    if (said.startsWith(TRACE)) return traces.push(JSON.parse(said.slice(TRACE.length)));
    output += `${said}\n`;
    if (log) appendFileSync(log, `${said}\n`);
  };
  createInterface({ input: child.stdout }).on("line", take);
  createInterface({ input: child.stderr }).on("line", take);
  child.stdin.on("error", () => {}); // it died while it read; `ended` says so
  child.stdin.end(fed);
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  const port = await Promise.race([listens(child.stdio[3]), ended.then(() => undefined)]);
  if (port === undefined) throw new Error(`workerd did not start:\n${output}`);
  return { url: `http://127.0.0.1:${port}`, port, pid: child.pid, output: () => output, traces, ended, fault, kill, stop: kill, alive: () => child.exitCode === null && child.signalCode === null };
}

async function listens(pipe) {
  let said = "";
  for await (const text of pipe.setEncoding("utf8")) {
    said += text;
    const found = LISTENS.exec(said);
    if (found) return Number(found[1]);
  }
  return undefined;
}

/** A line of workerd's log: JSON with a message, or anything. */
function message(line) {
  try {
    return String(JSON.parse(line).message ?? line);
  } catch {
    return line;
  }
}

/** Has miniflare make workerd's configuration of ours. One at a time: the shim is named in the environment. */
function keep(options) {
  turn = turn.catch(() => {}).then(() => make(options));
  return turn;
}
let turn = Promise.resolve();

async function make({ state, keyring, config, tailed }) {
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = require("wrangler");
  const { Miniflare, convertV4MiniflareOptions } = require("miniflare");
  const binary = require("workerd").default;
  const folder = mkdtempSync(join(tmpdir(), "waxseal-workerd-"));
  const shim = join(folder, "shim");
  writeFileSync(shim, SHIM, { mode: 0o755 });

  const { name, main } = unstable_readConfig({ config });
  const { workerOptions } = unstable_getMiniflareWorkerOptions(config);
  const persisted = join(state, "v3");
  const options = convertV4MiniflareOptions({
    ...{ host: "127.0.0.1", port: 0, cf: false, logRequests: false, unsafeTriggerHandlers: true, telemetry: { enabled: false } },
    ...{ resourcePersistencePath: persisted, isolatedResourcePersistencePath: persisted, resourceTmpPath: folder },
    workers: [
      {
        ...workerOptions,
        ...{ name, modulesRoot: "/", modules: modules(resolve(dirname(config), main)) },
        bindings: { ...workerOptions.bindings, WAXSEAL_KEYS: keyring },
        ...(tailed && { tails: ["tail"] }),
      },
      ...(tailed ? [{ name: "tail", modules: true, script: TAIL, compatibilityDate: workerOptions.compatibilityDate }] : []),
    ],
  });
  const before = process.env.MINIFLARE_WORKERD_PATH;
  Object.assign(process.env, { MINIFLARE_WORKERD_PATH: shim, WAXSEAL_KEEPS: folder });
  const miniflare = new Miniflare(options);
  try {
    await miniflare.ready;
  } finally {
    if (before === undefined) delete process.env.MINIFLARE_WORKERD_PATH;
    else process.env.MINIFLARE_WORKERD_PATH = before;
  }
  const fed = readFileSync(join(folder, "config"));
  const args = readFileSync(join(folder, "arguments"), "utf8").trimEnd().split("\n");
  await miniflare.dispose();
  // It takes along the folders of stores that we do not use, and workerd wants them.
  const unused = new Set(fed.toString("latin1").match(/[\w/.-]+\/miniflare-[0-9a-f]{32}\/[\w-]+/g));
  for (const path of unused) mkdirSync(path, { recursive: true });
  [folder, ...[...unused].map(dirname)].forEach((path) => folders.add(path));
  return { binary, args, fed };
}

/** The module that starts, and ours that it imports. */
function modules(main) {
  const built = join(ROOT, "build");
  const all = [main, join(built, "index.js")].filter((path, at, paths) => paths.indexOf(path) === at);
  const wasm = join(built, "index_bg.wasm");
  assert.ok(existsSync(wasm), "the module is built");
  return [...all.map((path) => ({ type: "ESModule", path })), { type: "CompiledWasm", path: wasm }];
}
