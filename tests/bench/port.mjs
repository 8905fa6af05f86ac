// The port on which the runtime itself answers. `wrangler dev` stands before it with a second runtime that costs more than
// our answer does. Linux only; elsewhere, or when none is found, the port of wrangler.

import { readFileSync, readdirSync, readlinkSync } from "node:fs";

export async function runtimePort({ pid, port }) {
  if (process.platform !== "linux") return port;
  const mine = await fetch(`http://127.0.0.1:${port}/.well-known/security.txt`).then((answer) => answer.text());
  const contact = mine.split("\n")[0];
  for (const other of listening(pid).filter((found) => found !== port)) {
    try {
      const answer = await fetch(`http://127.0.0.1:${other}/.well-known/security.txt`, { signal: AbortSignal.timeout(2_000) });
      if (answer.status === 200 && (await answer.text()).startsWith(contact)) return other;
    } catch {
      // Another protocol.
    }
  }
  return port;
}

/** TCP ports that processes of this group listen on. */
function listening(group) {
  const ports = new Map();
  for (const line of readFileSync("/proc/net/tcp", "utf8").trim().split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[3] === "0A") ports.set(`socket:[${fields[9]}]`, parseInt(fields[1].split(":")[1], 16));
  }
  const found = new Set();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]) !== group) continue;
      for (const file of readdirSync(`/proc/${pid}/fd`)) {
        const port = ports.get(readlinkSync(`/proc/${pid}/fd/${file}`));
        if (port) found.add(port);
      }
    } catch {
      // The process or the file is gone.
    }
  }
  return [...found];
}
