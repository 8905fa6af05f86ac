// The way of a public site to the edge: an address of its own, a certificate, a plain port beside it. A proxy plays all of it, for
// programs that take `HTTPS_PROXY` and `SSL_CERT_FILE`.

import { generateKeyPairSync, sign } from "node:crypto";
import { createServer, request } from "node:http";
import { TLSSocket } from "node:tls";
import { comesFrom } from "./addresses.mjs";

const der = (tag, ...parts) => {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...parts) => der(0x30, ...parts);
const oid = (hex) => der(0x06, Buffer.from(hex, "hex"));
const time = (at) => der(0x17, Buffer.from(`${at.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));

/** A certificate of this name that signs itself (RFC 5280), and its key, both PEM. */
export function certificateOf(host) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsa = sequence(oid("2a8648ce3d040302"));
  const name = sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(host)))));
  const hour = 3_600_000;
  const validity = sequence(time(new Date(Date.now() - hour)), time(new Date(Date.now() + 24 * hour)));
  const names = sequence(oid("551d11"), der(0x04, sequence(der(0x82, Buffer.from(host)))));
  const version = der(0xa0, der(0x02, Buffer.from([2])));
  const spki = publicKey.export({ type: "spki", format: "der" });
  const body = sequence(version, der(0x02, Buffer.from([1])), ecdsa, name, validity, name, spki, der(0xa3, sequence(names)));
  const whole = sequence(body, ecdsa, der(0x03, Buffer.from([0]), sign("sha256", body, privateKey)));
  const cert = `-----BEGIN CERTIFICATE-----\n${whole.toString("base64").replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
  return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }) };
}

/**
 * A proxy before the edge at `port()`, which hears the public URL in `x-url`. `change(url, answer)` may alter an answer
 * `{ status, headers, body }` or give another; nothing: the connection ends.
 */
export async function startPublic({ port, certificate, change = (_, answer) => answer }) {
  const way = { change, url: "", stop: () => server.close() };
  const server = createServer(async (asked, reply) => {
    const url = asked.socket instanceof TLSSocket ? `https://${asked.headers.host}${asked.url}` : asked.url;
    const chunks = [];
    for await (const chunk of asked) chunks.push(chunk);
    const answer = way.change(url, await forward(port(), asked, url, Buffer.concat(chunks)));
    if (!answer) return asked.socket.destroy();
    reply.writeHead(answer.status, answer.headers);
    reply.end(answer.body);
  });
  server.on("connect", (_, socket) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    socket.on("error", () => {});
    const secure = new TLSSocket(socket, { isServer: true, ...certificate });
    secure.on("error", () => {});
    server.emit("connection", secure);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  way.url = `http://127.0.0.1:${server.address().port}`;
  return way;
}

function forward(port, asked, url, body) {
  return new Promise((resolve, reject) => {
    const { pathname, search } = new URL(url);
    const { connection: _, ...headers } = asked.headers;
    const call = request({ host: "127.0.0.1", port, method: asked.method, path: pathname + search, headers: { ...headers, ...comesFrom(), "x-url": url } });
    call.on("error", reject);
    call.on("response", async (response) => {
      const chunks = [];
      for await (const chunk of response) chunks.push(chunk);
      const { connection: _, "transfer-encoding": __, "keep-alive": ___, ...headers } = response.headers;
      resolve({ status: response.statusCode, headers, body: Buffer.concat(chunks) });
    });
    call.end(body);
  });
}
