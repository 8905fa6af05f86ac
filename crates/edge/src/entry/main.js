// What the platform calls. Stands around the module, so that no fault of it comes out where the platform would store it beside the
// URL of a request: an exception is held as a line, the request gets the silent answer, and the next one a new instance.

import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import * as wasm from "waxseal-edge";
import { failed, living, unlessCrashed } from "./crash.js";
import { relay, write } from "./lines.js";

const instance = () => living(wasm.__wbg_reset_state);

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
      instance();
      answer = await unlessCrashed(wasm.fetch(request, this.env, this.ctx), patience(request.method));
    } catch (error) {
      failed(error);
      answer = silent(request.method);
    }
    this.ctx.waitUntil(relay(this.env));
    return answer;
  }

  async scheduled(controller) {
    try {
      instance();
      await wasm.scheduled(controller, this.env, this.ctx);
    } finally {
      write();
    }
  }
}

/** A class of Durable Objects of ours. What was held while it worked, by it or by others of this isolate, it writes. */
const written = (Real) =>
  class {
    #given;
    #object;
    #instance;

    constructor(...given) {
      this.#given = given;
      this.#living();
    }

    /** The object in the module: another one in a new instance. What it keeps is on disk. */
    #living() {
      const now = instance();
      if (this.#instance !== now) {
        this.#object = new Real(...this.#given);
        this.#instance = now;
      }
      return this.#object;
    }

    async #does(work) {
      try {
        return await work(this.#living());
      } catch (error) {
        failed(error);
        throw error;
      } finally {
        write();
      }
    }

    fetch(request) {
      return this.#does((object) => object.fetch(request));
    }

    alarm(info) {
      return this.#does((object) => object.alarm(info));
    }
  };

export const LetterLedger = written(wasm.LetterLedger);
export const Sentinel = written(wasm.Sentinel);
export const Publisher = written(wasm.Publisher);
export const Sequencer = written(wasm.Sequencer);
export const Index = written(wasm.Index);
export const ApiKeys = written(wasm.ApiKeys);
export const Webhook = written(wasm.Webhook);

/** Writes the lines of fetch handlers. Keeps nothing. */
export class LogRelay extends DurableObject {
  async fetch(request) {
    write(await request.json());
    return new Response();
  }
}

export { StreamRelay } from "./pipe.js";
