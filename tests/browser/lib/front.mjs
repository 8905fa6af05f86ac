// A door in front of the edge: plain TCP, passed through untouched. It keeps every byte that the browser sent, so that a
// test can say what never left the machine.

import { once } from "node:events";
import { connect, createServer } from "node:net";

export async function openFront(port) {
  const sent = [];
  const open = new Set();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    const end = () => {
      near.destroy();
      far.destroy();
      open.delete(end);
    };
    open.add(end);
    near.on("data", (bytes) => sent.push(bytes));
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on("error", end).on("close", end);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Every byte that came in so far: request lines, headers and bodies. */
    received: () => Buffer.concat(sent),
    async close() {
      server.close();
      [...open].forEach((end) => end());
      await once(server, "close");
    },
  };
}
