// A slow line that counts what comes over it, and slow workers.

import { once } from "node:events";
import { mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";

/** What a request is for, by its path. */
export const KINDS = [
  ["report", (path) => path.endsWith("/report")],
  ["page", (path) => /^\/[0-9a-z]{66}(\/\w+)?$/.test(path)],
  ["worker", (path) => /^\/assets\/pdf\.worker/.test(path)],
  ["PDF.js", (path) => /^\/assets\/pdf-/.test(path)],
  ["script", (path) => /^\/assets\/[^/]+\.js$/.test(path)],
  ["data", (path) => /^\/assets\/pdfjs/.test(path)],
];

const SEGMENT = 1_448;
const QUEUE = 65_536;

/**
 * A door in front of the edge, as far away as `latency` milliseconds there and back, that lets `rate` bytes a second in for all connections
 * together, each in its turn. A new connection costs one more way there and back. What the browser sends is small and only late.
 */
export async function openSlowLine(port, { rate, latency }) {
  const lanes = new Set();
  let kinds = {};
  let requests = 0;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect(port, "127.0.0.1");
    const lane = { waiting: [], size: 0, near, far, kind: "other" };
    lanes.add(lane);
    const opened = performance.now() + latency;
    near.on("data", (bytes) => {
      const asked = /^[A-Z]+ (\/[^ ?]*)\S* HTTP\/1\.1\r\n/.exec(bytes.toString("latin1"))?.[1];
      if (asked !== undefined) {
        lane.kind = KINDS.find(([, is]) => is(asked))?.[0] ?? "other";
        requests += 1;
      }
      setTimeout(() => far.destroyed || far.write(bytes), latency / 2 + Math.max(0, opened - performance.now()));
    });
    far.on("data", (bytes) => {
      lane.waiting.push(bytes);
      lane.size += bytes.length;
      if (lane.size > QUEUE) far.pause();
    });
    const end = () => {
      near.destroy();
      far.destroy();
      lanes.delete(lane);
    };
    near.on("error", end).on("close", end).on("end", end);
    far.on("error", end).on("end", () => (lane.ended = true));
  });
  let before = performance.now();
  let budget = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    budget = Math.min(budget + ((now - before) * rate) / 1000, rate / 5);
    before = now;
    for (let sent = true; sent && budget > 0; ) {
      sent = false;
      for (const lane of lanes) if (budget > 0 && deliver(lane)) sent = true;
    }
    // What nobody asked for is not saved up.
    if (budget > 0) budget = 0;
  }, 10);

  function deliver(lane) {
    const [head] = lane.waiting;
    if (head === undefined) {
      if (lane.ended) setTimeout(() => lane.near.end(), latency / 2);
      return false;
    }
    const part = head.subarray(0, SEGMENT);
    if (part.length === head.length) lane.waiting.shift();
    else lane.waiting[0] = head.subarray(SEGMENT);
    lane.size -= part.length;
    if (lane.size < QUEUE) lane.far.resume();
    budget -= part.length;
    const { kind } = lane;
    setTimeout(() => {
      kinds[kind] = (kinds[kind] ?? 0) + part.length;
      if (!lane.near.destroyed) lane.near.write(part);
    }, latency / 2);
    return true;
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** What came since the last call: bytes by kind and together, and how many requests. */
    take() {
      const answer = { kinds, requests, total: Object.values(kinds).reduce((sum, part) => sum + part, 0) };
      kinds = {};
      requests = 0;
      return answer;
    },
    async close() {
      clearInterval(timer);
      server.close();
      for (const { near, far } of lanes) [near, far].forEach((socket) => socket.destroy());
      await once(server, "close");
    },
  };
}

/** Holds the threads of workers to a part of a processor. Null where the kernel does not let us. */
export function workerBrake() {
  const group = `/sys/fs/cgroup/cpu/waxseal-bench-${process.pid}`;
  const period = 10_000;
  try {
    mkdirSync(group);
    writeFileSync(`${group}/cpu.cfs_period_us`, String(period));
  } catch {
    return null;
  }
  let rate = 1;
  const pids = () => readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const read = (path) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  let renderers = [];
  let turn = 0;
  const timer = setInterval(() => {
    if (turn++ % 20 === 0) renderers = pids().filter((pid) => read(`/proc/${pid}/cmdline`).includes("--type=renderer") && ours(pid));
    for (const pid of renderers) {
      let threads = [];
      try {
        threads = readdirSync(`/proc/${pid}/task`);
      } catch {
        continue;
      }
      for (const thread of threads) {
        if (!read(`/proc/${pid}/task/${thread}/comm`).startsWith("DedicatedWorker")) continue;
        try {
          writeFileSync(`${group}/tasks`, thread);
        } catch {
          // It has ended.
        }
      }
    }
  }, 25);
  /** A child of this process, however far down. */
  function ours(pid) {
    for (let at = pid; Number(at) > 1; ) {
      if (Number(at) === process.pid) return true;
      const stat = read(`/proc/${at}/stat`);
      at = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
      if (at === undefined) return false;
    }
    return false;
  }
  return {
    set rate(value) {
      rate = value;
      writeFileSync(`${group}/cpu.cfs_quota_us`, String(Math.ceil(period / rate)));
    },
    stop() {
      clearInterval(timer);
      for (const thread of read(`${group}/tasks`).split("\n").filter(Boolean)) {
        try {
          writeFileSync("/sys/fs/cgroup/cpu/tasks", thread);
        } catch {
          // It has ended.
        }
      }
      try {
        rmdirSync(group);
      } catch {
        // A thread is still ending; the group holds nothing.
      }
    },
  };
}
