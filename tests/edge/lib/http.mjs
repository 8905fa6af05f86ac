// HTTP as it is on the wire: every header in order, bytes as they came, and whether the answer came to its end.

import { Agent, request } from "node:http";
import { connect } from "node:net";

/** A client of one edge. Nothing is decoded, followed or repaired. */
export function client({ port, sockets = 16 }) {
  // The edge closes what is idle for five seconds; whoever writes at that very moment gets no answer. So we close first.
  const agent = new Agent({ keepAlive: true, maxSockets: sockets, timeout: 3_000 });
  const send = (method, path, { headers = {}, body, onData, fresh = false } = {}) =>
    new Promise((resolve, reject) => {
      const call = request({ host: "127.0.0.1", port, method, path, headers, agent: fresh ? false : agent, setHost: true });
      call.on("error", reject);
      call.on("response", (response) => {
        const chunks = [];
        let whole = true;
        response.on("data", (chunk) => {
          if (onData) onData(chunk, call);
          else chunks.push(chunk);
        });
        // The edge breaks the connection rather than end a report that does not hold.
        response.on("error", () => (whole = false));
        response.on("aborted", () => (whole = false));
        response.on("close", () =>
          resolve({
            status: response.statusCode,
            headers: response.headers,
            raw: pairs(response.rawHeaders),
            body: Buffer.concat(chunks),
            whole: whole && response.complete,
          }),
        );
      });
      call.end(body);
    });
  return { send, close: () => agent.destroy() };
}

function pairs(flat) {
  const out = [];
  for (let at = 0; at < flat.length; at += 2) out.push([flat[at], flat[at + 1]]);
  return out;
}

/** Writes bytes to a fresh socket and answers all bytes that come back until the other side closes. */
export function wire(port, bytes) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    const chunks = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", (error) => (chunks.length > 0 ? resolve(Buffer.concat(chunks)) : reject(error)));
    socket.on("close", () => resolve(Buffer.concat(chunks)));
  });
}

export function urlencoded(fields) {
  return {
    body: new URLSearchParams(fields).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded" },
  };
}

export function multipart(fields) {
  const boundary = "----edge-test-7f3a";
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return {
    body: `${parts.join("")}--${boundary}--\r\n`,
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
  };
}
