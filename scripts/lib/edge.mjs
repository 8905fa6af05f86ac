// Runs the edge on this machine: `wrangler dev` on workerd, with R2 and Durable Objects kept in a folder.
// Used by scripts/demo and by the tests.

import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 5_000;

// Wrangler prints each request with its path. The path is a token, so such a line never reaches a log of ours.
const REQUEST_LINE = /^\[wrangler:info\] [A-Z]+ \S+ \d{3} /;

// So does its note of a request that it could not pass on. The note stays, the path goes; lines of ours are never changed,
// so that a secret in one is found.
const PROXY_NOTE = /Error inside ProxyWorker/;
const ADDRESS = /(https?:\/\/[^/\s]+)\/\S*/g;

const QUIET = {
  CI: "1",
  NO_COLOR: "1",
  FORCE_COLOR: "0",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true", // and with it the look-up of a newer version
  WRANGLER_WRITE_LOGS: "false", // its own log file would hold tokens
  X_LOCAL_OBSERVABILITY: "false", // its trace store would hold tokens
  X_LOCAL_EXPLORER: "false", // its page would show every store
  CLOUDFLARE_CF_FETCH_ENABLED: "false", // no call to the network for a sample of `request.cf`
};

/** A TCP port of 127.0.0.1 that nobody listens on; `wanted` when that one is free. */
export async function freePort(wanted = 0) {
  const attempt = (port) =>
    new Promise((resolve, reject) => {
      const server = createServer();
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        const found = server.address().port;
        server.close(() => resolve(found));
      });
    });
  return attempt(wanted).catch((error) => {
    if (wanted !== 0 && error.code === "EADDRINUSE") return attempt(0);
    throw error;
  });
}

/**
 * Starts the edge and waits until it answers.
 *
 * `state`: the folder that keeps its stores; starting again on the same folder continues there.
 * `keyring`: the text of the secret WAXSEAL_KEYS. `secrets`: further secrets by name.
 * `envFile`: where the secrets are put for it, when two edges share a folder. `port`: 0 for any. `log`: a file to which the edge's output is appended. `config`: another wrangler.toml.
 * `args`: further arguments of `wrangler dev`, such as ["--var", "NAME:value"].
 *
 * Answers `{ url, port, pid, output(), stop(), kill() }`. `kill` ends everything at once, as a crash would.
 */
export async function startEdge({ state, keyring, secrets = {}, envFile = join(state, "edge.env"), port = 0, log, config, args = [], root = ROOT }) {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const lines = Object.entries({ WAXSEAL_KEYS: keyring, ...secrets }).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(envFile, lines.join(""), { mode: 0o600 });

  const chosen = port === 0 ? await freePort() : port;
  const url = `http://127.0.0.1:${chosen}`;
  const child = spawn(
    process.execPath,
    [
      join(root, "node_modules/wrangler/bin/wrangler.js"),
      "dev",
      ...(config ? ["--config", config] : []),
      ...["--ip", "127.0.0.1", "--port", String(chosen), "--inspector-port", "0"],
      ...["--local", "--persist-to", state, "--env-file", envFile],
      ...["--show-interactive-dev-session=false", "--log-level", "log"],
      ...args,
    ],
    // A group of its own: Ctrl-C reaches us alone, and we end the whole group.
    { cwd: root, detached: true, env: { ...process.env, ...QUIET }, stdio: ["ignore", "pipe", "pipe"] },
  );

  let output = "";
  let ready = false;
  const take = (said) => {
    if (said.includes("Ready on http")) ready = true;
    if (REQUEST_LINE.test(said)) return;
    const line = PROXY_NOTE.test(said) ? said.replace(ADDRESS, "$1/...") : said;
    output += `${line}\n`;
    if (log) appendFileSync(log, `${line}\n`);
  };
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(`it could not be started: ${error.message}`));
    child.once("exit", (code, signal) => resolve(`it ended (${signal ?? `exit ${code}`})`));
  });
  let running = true;
  void ended.then(() => (running = false));
  byLine(child.stdout, take);
  byLine(child.stderr, take);

  const signalGroup = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // Nothing of the group is left.
    }
  };
  const kill = async () => {
    signalGroup("SIGKILL");
    await ended;
    while (await answers(url)) await pause(50); // the kernel has not taken the port back yet
  };
  const stop = async () => {
    signalGroup("SIGTERM");
    await Promise.race([ended, pause(STOP_WITHIN_MS)]);
    await kill();
  };

  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(ready && (await answers(url)))) {
    if (!running) throw new Error(`The edge did not start: ${await ended}\n${output}`);
    if (Date.now() > deadline) {
      await kill();
      throw new Error(`The edge did not answer within ${READY_WITHIN_MS / 1000} s\n${output}`);
    }
    await pause(100);
  }
  return { url, port: chosen, pid: child.pid, output: () => output, ended, stop, kill };
}

async function answers(url) {
  try {
    const response = await fetch(`${url}/robots.txt`, { signal: AbortSignal.timeout(5_000) });
    await response.arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

function byLine(stream, take) {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(take);
  });
  stream.on("end", () => {
    if (rest !== "") take(rest);
  });
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
