// What the platform calls. Stands around the shim that worker-build makes, so that no fault of the module comes out where the
// platform would store it beside the URL of a request: an exception is held as a line, and the request gets the silent answer.

import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import Shim, * as ours from "../shim.js";
import { failed, unlessCrashed } from "./crash.js";
import { relay, write } from "./lines.js";

/** Far longer than all that an answer waits for, one after the other. */
const LONGEST_MS = 120_000;

/** What is uploaded takes as long as the sender's line takes; only a crash ends the wait for it. */
const patience = (method) => (method === "PUT" ? Infinity : LONGEST_MS);

/** The silent answer, as the module gave it when it started. */
function silent(method) {
  const { status, headers, body } = waxseal.silent;
  if (method !== "HEAD") return new Response(body, { status, headers });
  return new Response(null, { status, headers: [...headers, ["content-length", String(new TextEncoder().encode(body).length)]] });
}

export default class extends WorkerEntrypoint {
  async fetch(request) {
    let answer;
    try {
      answer = await unlessCrashed(new Shim(this.ctx, this.env).fetch(request), patience(request.method));
    } catch (error) {
      failed(error);
      answer = silent(request.method);
    }
    this.ctx.waitUntil(relay(this.env));
    return answer;
  }

  async scheduled(controller) {
    try {
      await new Shim(this.ctx, this.env).scheduled(controller);
    } finally {
      write();
    }
  }
}

/** A class of Durable Objects of ours. What was held while it worked, by it or by others of this isolate, it writes. */
const written = (Real) =>
  class {
    #real;

    constructor(ctx, env) {
      this.#real = new Real(ctx, env);
    }

    async fetch(request) {
      try {
        return await this.#real.fetch(request);
      } finally {
        write();
      }
    }

    async alarm(info) {
      try {
        return await this.#real.alarm(info);
      } finally {
        write();
      }
    }
  };

export const LetterLedger = written(ours.LetterLedger);
export const Sentinel = written(ours.Sentinel);
export const Publisher = written(ours.Publisher);
export const Sequencer = written(ours.Sequencer);
export const Customer = written(ours.Customer);
export const Sweeper = written(ours.Sweeper);
export const ApiKeys = written(ours.ApiKeys);

/** Writes the lines of fetch handlers. Keeps nothing. */
export class LogRelay extends DurableObject {
  async fetch(request) {
    write(await request.json());
    return new Response();
  }
}

export { StreamRelay } from "./pipe.js";
