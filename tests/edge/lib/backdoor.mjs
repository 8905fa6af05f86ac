// Modules that stand in front of ours, for tests that break what we stand on. `site.mjs` puts the path of our module in
// place of "edge".

/** Gives the test the bucket: PUT and DELETE /__bucket/KEY. Everything else goes to our module. */
export const BUCKET = `
import Edge from "edge";
export { LetterLedger } from "edge";
export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/__bucket/")) return new Edge(ctx, env).fetch(request);
    const key = pathname.slice("/__bucket/".length);
    if (request.method === "DELETE") await env.LETTERS.delete(key);
    else await env.LETTERS.put(key, await request.arrayBuffer());
    return new Response("done");
  },
};
`;

/** A ledger that behaves as the header x-ledger of the request says: "hang", "throw", "garbage", else as it should. */
export const LEDGER = `
import Edge, { LetterLedger as Real } from "edge";
import { DurableObject } from "cloudflare:workers";
let mode = "";
export class LetterLedger extends DurableObject {
  #real;
  constructor(ctx, env) { super(ctx, env); this.#real = new Real(ctx, env); }
  fetch(request) {
    if (mode === "hang") return new Promise(() => setInterval(() => {}, 1000));
    if (mode === "throw") throw new Error("broken on purpose");
    if (mode === "garbage") return new Response("{}");
    if (mode === "error") return new Response("no", { status: 500 });
    return this.#real.fetch(request);
  }
  alarm() { return this.#real.alarm(); }
}
export default {
  fetch(request, env, ctx) {
    mode = request.headers.get("x-ledger") ?? "";
    return new Edge(ctx, env).fetch(request);
  },
};
`;

/** A bucket of which the operation that the header x-bucket names fails; as many times as it takes. */
export const BROKEN_BUCKET = `
import Edge from "edge";
export { LetterLedger } from "edge";
export default {
  fetch(request, env, ctx) {
    const fails = request.headers.get("x-bucket");
    const LETTERS = new Proxy(env.LETTERS, {
      get(bucket, name) {
        if (name === fails) return async () => { throw new Error("broken on purpose"); };
        const value = Reflect.get(bucket, name);
        return typeof value === "function" && name !== "constructor" ? value.bind(bucket) : value;
      },
    });
    const wrapped = new Proxy(env, { get: (of, name) => (name === "LETTERS" ? LETTERS : Reflect.get(of, name)) });
    return new Edge(ctx, wrapped).fetch(request);
  },
};
`;
