// What PDF.js takes for granted and browsers of the last years lack. Its own older build provides much, but not these. Runs before it,
// in the page and in its worker.

provide(Promise, "withResolvers", function (this: PromiseConstructor) {
  let resolve: unknown;
  let reject: unknown;
  const promise = new this((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
});

// Character maps and fonts, as bytes.
for (const { prototype } of [Response, Blob]) {
  provide(prototype, "bytes", async function (this: Response | Blob) {
    return new Uint8Array(await this.arrayBuffer());
  });
}

function provide(holder: object, name: string, value: unknown): void {
  if (!(name in holder)) Object.defineProperty(holder, name, { value, writable: true, configurable: true });
}
