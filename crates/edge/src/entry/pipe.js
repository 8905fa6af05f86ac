// The pipe that a report goes out by.

import { WorkerEntrypoint, exports } from "cloudflare:workers";

/** Pipes that are being written. */
const open = new Set();

/**
 * A pipe of exactly `length` bytes: what is written comes out of `readable`. A pipe that is closed too soon breaks there, and
 * the connection of whoever reads it with it, but in an invocation of its own: a stream that a fetch handler breaks off is
 * an exception beside its URL.
 */
export async function pipe(length) {
  // Nothing can be missing from nothing, and the far end would wait for it.
  if (length === 0) {
    const { readable, writable } = new FixedLengthStream(0);
    return { writer: writable.getWriter(), readable };
  }
  const { readable, writable } = new IdentityTransformStream();
  const headers = { "x-length": String(length) };
  const { body } = await exports.StreamRelay.fetch("https://object/", { method: "POST", body: readable, headers });
  const writer = writable.getWriter();
  open.add(writer);
  const ended = () => open.delete(writer);
  writer.closed.then(ended, ended);
  return { writer, readable: body };
}

/** Ends what a crashed module will never end, so that nobody waits for it; as far as it belongs to this request. */
export function breakOff() {
  for (const writer of open) {
    try {
      writer.close().catch(() => {});
    } catch {
      // Another request's: that one ends by itself.
    }
  }
}

/** The far end. */
export class StreamRelay extends WorkerEntrypoint {
  async fetch(request) {
    const { readable, writable } = new FixedLengthStream(Number(request.headers.get("x-length")));
    // Whether it broke shows where it is read.
    this.ctx.waitUntil(request.body.pipeTo(writable).catch(() => {}));
    return new Response(readable);
  }
}
