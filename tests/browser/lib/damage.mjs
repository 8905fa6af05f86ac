// Letters whose body is not what was sealed. The command line uploads through this: on the way one byte is changed.

import { once } from "node:events";
import { createServer } from "node:http";

/** A forward to the edge at `target` that inverts the byte at `at` of every body that goes up. */
export async function openDamager(target, at) {
  const server = createServer(async (request, response) => {
    try {
      const parts = [];
      for await (const part of request) parts.push(part);
      const body = Buffer.concat(parts);
      if (request.method === "PUT" && request.url.endsWith("/body")) body[at] ^= 0xff;
      const { host: _, connection: __, ...headers } = request.headers;
      const answer = await fetch(target + request.url, {
        method: request.method,
        headers: { ...headers, "content-length": String(body.length) },
        body: body.length > 0 ? body : undefined,
        redirect: "manual",
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "", "content-length": bytes.length });
      response.end(bytes);
    } catch {
      response.destroy();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
