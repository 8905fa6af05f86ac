// Whether the silent answers can be told apart by the time they take. Reports; asserts nothing.
//
// An edge on this machine gets four kinds of request that all end in silence, in random order over keep-alive
// connections, and the time to the first byte of each answer is kept:
//   blocked   a genuine link from a banned address: no strike, nothing else to do
//   damaged   a genuine link with one character changed: a strike
//   forged    a link of another key: a strike
//   unknown   a path that is no link at all: a strike
// Every request comes from an address of its own, but for the banned ones, of which there are fewer.
//
// WAXSEAL_TIMING_COUNT: requests of each kind (20,000). WAXSEAL_TIMING_SOCKETS: connections (4). More
// requests at once than the machine has room for wait for each other, and the wait is measured.

import { randomBytes } from "node:crypto";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Agent, request } from "node:http";
import { damaged, forged } from "../edge/lib/guard.mjs";
import { startSite, until } from "../edge/lib/site.mjs";
import { kolmogorovSmirnov, mannWhitney, quantile, shuffle } from "./statistics.mjs";

const COUNT = Number(process.env.WAXSEAL_TIMING_COUNT ?? 20_000);
const SOCKETS = Number(process.env.WAXSEAL_TIMING_SOCKETS ?? 4);
const WARM_UP = Math.ceil(COUNT / 20);
const BANNED = Math.ceil(COUNT / 8);
const HEADERS = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", accept: "text/html" };

/** Address `number` of 16 million, so that hardly two in a /24 forge. */
const address = (number) => `10.${number & 255}.${(number >> 8) & 255}.${1 + ((number >> 16) & 127)}`;
let used = 0;
const fresh = () => address((used += 1));

const site = await startSite("timing", { sockets: SOCKETS });
const { port } = site;
const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS });

/** Milliseconds to the first byte, and on which connection. */
function ask(path, from) {
  return new Promise((resolve, reject) => {
    let took;
    const began = performance.now();
    const call = request({ host: "127.0.0.1", port, path, agent, headers: { ...HEADERS, "cf-connecting-ip": from } });
    call.on("error", reject);
    call.on("response", (response) => {
      took = performance.now() - began;
      if (response.statusCode !== 404) reject(new Error(`${response.statusCode} is no silence`));
      response.resume();
      response.on("end", () => resolve(took));
    });
    call.end();
  });
}

/** Runs the jobs, one after the other on each of the connections. */
async function over(jobs, each) {
  const queue = jobs.entries();
  const work = async (lane) => {
    for (const [number, job] of queue) await each(job, number, lane);
  };
  await Promise.all(Array.from({ length: SOCKETS }, (_, lane) => work(lane)));
}

async function measure() {
  const letter = await site.put(randomBytes(2_000));
  const banned = Array.from({ length: BANNED }, fresh);
  console.log(`${port === site.port ? "through wrangler" : "straight at the runtime"}; banning ${BANNED} addresses`);
  await over(banned, (from) => ask("/.env", from));
  const bans = async () => {
    const answer = await site.send("GET", "/api/v1/guard", { headers: { authorization: `Bearer ${site.apiKey}` } });
    return JSON.parse(answer.body).sentinels.reduce((sum, { banned: here }) => sum + here, 0);
  };
  await until(async () => (await bans()) === BANNED, { every: 1_000, within: 60_000 });
  for (const from of banned.slice(-20)) await until(async () => (await site.get(letter.path, HEADERS, { address: from })).status === 404, { within: 90_000 });

  let number = 0;
  const kinds = {
    blocked: () => [letter.path, banned[(number += 1) % BANNED]],
    damaged: () => [damaged(letter, (number += 1)), fresh()],
    forged: () => [forged(), fresh()],
    unknown: () => [`/${randomBytes(6 + ((number += 1) % 8)).toString("hex")}`, fresh()],
  };
  const jobs = shuffle(Object.entries(kinds).flatMap(([kind, make]) => Array.from({ length: COUNT }, () => [kind, ...make()])));
  const warm = shuffle(Object.entries(kinds).flatMap(([kind, make]) => Array.from({ length: WARM_UP }, () => [kind, ...make()])));
  console.log(`warming up with ${warm.length} requests, then ${jobs.length} over ${SOCKETS} connections`);
  await over(warm, ([, path, from]) => ask(path, from));

  const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  const after = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  const last = [];
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const began = performance.now();
  await over(jobs, async ([kind, path, from], at, lane) => {
    const took = await ask(path, from);
    times[kind].push(took);
    if (last[lane]) after[last[lane]].push(took);
    last[lane] = kind;
    if (at % 10_000 === 9_999) console.log(`${at + 1} of ${jobs.length}`);
  });
  loop.disable();
  return { times, after, loop, seconds: (performance.now() - began) / 1000 };
}

const pad = (text, width) => String(text).padStart(width);
const small = (p) => (p < 1e-4 ? p.toExponential(0) : p.toFixed(4));

function describe(title, samples) {
  console.log(`\n${title}`);
  console.log(["", "requests", "5 %", "25 %", "median", "75 %", "95 %", "99 %"].map((text, at) => pad(text, at ? 10 : 9)).join(""));
  for (const [name, values] of Object.entries(samples)) {
    const sorted = [...values].sort((a, b) => a - b);
    const parts = [0.05, 0.25, 0.5, 0.75, 0.95, 0.99].map((part) => pad(quantile(sorted, part).toFixed(2), 10));
    console.log(`${pad(name, 9)}${pad(values.length, 10)}${parts.join("")}`);
  }
}

function compare(title, pairs) {
  console.log(`\n${title}`);
  console.log(["", "K-S D", "p", "M-W z", "p", "Cliff d", "P(first slower)", "best guess"].map((text, at) => pad(text, [24, 9, 9, 9, 9, 10, 17, 12][at])).join(""));
  for (const [name, a, b] of pairs) {
    const ks = kolmogorovSmirnov(a, b);
    const mw = mannWhitney(a, b);
    const cells = [ks.distance.toFixed(4), small(ks.p), mw.z.toFixed(2), small(mw.p), mw.delta.toFixed(4), mw.above.toFixed(4), `${(50 + 50 * ks.distance).toFixed(2)} %`];
    console.log(pad(name, 24) + cells.map((cell, at) => pad(cell, [9, 9, 9, 9, 10, 17, 12][at])).join(""));
  }
}

const pairsOf = (samples) => {
  const names = Object.keys(samples);
  return names.flatMap((one, at) => names.slice(at + 1).map((two) => [`${one} / ${two}`, samples[one], samples[two]]));
};

try {
  const { times, after, loop, seconds } = await measure();
  const ms = (nanoseconds) => (nanoseconds / 1e6).toFixed(2);
  describe("Milliseconds to the first byte", times);
  compare("Each kind against each other", pairsOf(times));
  const halves = Object.entries(times).map(([kind, values]) => {
    const mixed = shuffle([...values]);
    return [`${kind} / itself`, mixed.slice(0, mixed.length >> 1), mixed.slice(mixed.length >> 1)];
  });
  compare("What chance alone makes: each kind, halved at random", halves);
  compare("Whether a request leaves a trace in the next one on its connection, by what came before", pairsOf(after));
  console.log(`\n${(COUNT * 4 / seconds).toFixed(0)} requests a second for ${seconds.toFixed(0)} s; the sender's own event loop was late by ${ms(loop.percentile(50))} ms (median), ${ms(loop.percentile(99))} ms (99 %)`);
  console.log("best guess: how often one request, judged by the best threshold, is put into the right one of two equally likely kinds; 50 % is none.");
} finally {
  agent.destroy();
  await site.stop();
}
