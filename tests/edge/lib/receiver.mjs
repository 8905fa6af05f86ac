// A receiver of webhooks on loopback: it keeps what came, and answers as it is told, well or badly.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { after, afterEach } from "node:test";
import { Webhook } from "standardwebhooks";
import { startLife } from "./life.mjs";
import { until } from "./site.mjs";

/** A site and a receiver for a file of tests. Each test begins with no endpoint, and a receiver that answers. */
export async function hookedSite(name) {
  const [site, receiver] = [await startLife(name), await startReceiver()];
  const hooks = webhooks(site);
  after(async () => {
    await site.stop();
    await receiver.stop();
  });
  afterEach(async () => {
    receiver.behave = undefined;
    for (const { webhook } of (await hooks.call("GET")).webhooks) await hooks.delete(webhook);
    receiver.messages = [];
    await site.later(0);
  });
  return { site, receiver, hooks };
}

/** As Python's official library judges a message: nothing, or why it refuses it. `later`: so many seconds after it came. */
export function judgedInPython(secret, { headers, body }, later = 0) {
  const script = `
import datetime, json, sys
from standardwebhooks import webhooks
said = json.load(sys.stdin)
class Later(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds=said["later"])
webhooks.datetime = Later
try:
    webhooks.Webhook(said["secret"]).verify(said["body"], said["headers"])
except webhooks.WebhookVerificationError as error:
    print(error)
`;
  const input = JSON.stringify({ secret, headers, body, later });
  return execFileSync(process.env.WAXSEAL_PYTHON ?? "python3", ["-c", script], { input }).toString().trim();
}

/** The same of the one of npm. */
export function judgedInNode(secret, { headers, body }, later = 0) {
  const real = Date.now;
  try {
    Date.now = () => real() + later * 1_000;
    new Webhook(secret).verify(body, headers);
    return "";
  } catch (error) {
    return error.message;
  } finally {
    Date.now = real;
  }
}

/** Starts one. It answers 204, unless `behave(message, response, number)` does otherwise; `false` from it: 204 after all. */
export async function startReceiver() {
  const receiver = {
    /** Each message as it came: `{ id, type, letter, seq, at, headers, body }`. */
    messages: [],
    behave: undefined,
    url: "",
    /** Those of a letter. */
    of: (letter) => receiver.messages.filter((message) => message.letter === letter),
    ids: (letter) => receiver.of(letter).map(({ id }) => id),
    /** Ids of those that were answered with 2xx: the others have not arrived. */
    arrived: (letter) => receiver.of(letter).filter(({ status }) => status >= 200 && status < 300).map(({ id }) => id),
    /** Waits for a message that is like this one. */
    got: (like, options) => until(() => receiver.messages.find((message) => Object.entries(like).every(([name, value]) => message[name] === value)), { every: 20, within: 30_000, ...options }),
    async down() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    up: () => new Promise((resolve) => server.listen(port, "127.0.0.1", resolve)),
    stop: () => receiver.down(),
  };
  const server = createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // the edge died over it
    }
    const body = Buffer.concat(chunks).toString();
    const { type, data } = JSON.parse(body);
    const message = { id: request.headers["webhook-id"], type, letter: data.letter, seq: data.seq, at: Date.now(), method: request.method, path: request.url, headers: request.headers, body };
    receiver.messages.push(message);
    const { writeHead } = response;
    response.writeHead = (status, ...rest) => {
      message.status = status;
      return writeHead.call(response, status, ...rest);
    };
    const done = await receiver.behave?.(message, response, receiver.messages.length);
    if (receiver.behave && done !== false) return;
    response.writeHead(204).end();
  });
  server.keepAliveTimeout = 1_000;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  receiver.url = `http://127.0.0.1:${port}/hook`;
  return receiver;
}

/** Calls of `/api/v1/webhooks` on a site. */
export function webhooks(site) {
  const call = async (method, path = "", body = undefined, status = undefined) => {
    const text = body && JSON.stringify(body);
    const headers = { authorization: `Bearer ${site.apiKey}`, "content-length": Buffer.byteLength(text ?? "") };
    const answer = await site.send(method, `/api/v1/webhooks${path}`, { body: text, headers });
    const said = answer.body.length > 0 ? JSON.parse(answer.body) : {};
    if (status !== undefined) assert.equal(answer.status, status, answer.body.toString());
    site.remember(said.secret);
    return { status: answer.status, ...said };
  };
  return {
    call,
    /** Makes one. */
    make: (receiver, about = {}) => call("POST", "", { url: receiver.url, ...about }, 201),
    show: (id) => call("GET", `/${id}`, undefined, 200),
    deliveries: async (id, query = "limit=1000") => (await call("GET", `/${id}/deliveries?${query}`, undefined, 200)).deliveries,
    delete: (id) => call("DELETE", `/${id}`, undefined, 204),
  };
}
