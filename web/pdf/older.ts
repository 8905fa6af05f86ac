// What PDF.js takes for granted and browsers of the last years lack. PDF.js's own older build provides most of this, too, as 35 kB
// (compressed) that every reader would load. Runs before PDF.js, in the page and in its worker.

type Each<T> = (value: unknown, at: number) => T;
type Keyed = { has(key: unknown): boolean; get(key: unknown): unknown; set(key: unknown, value: unknown): unknown };

provide(Promise, {
  withResolvers(this: PromiseConstructor) {
    let resolve: unknown;
    let reject: unknown;
    const promise = new this((yes, no) => {
      resolve = yes;
      reject = no;
    });
    return { promise, resolve, reject };
  },
  try(this: PromiseConstructor, act: (...values: unknown[]) => unknown, ...values: unknown[]) {
    return new this((resolve) => resolve(act(...values)));
  },
});

for (const { prototype } of [Map, WeakMap]) {
  provide(prototype, {
    getOrInsert(this: Keyed, key: unknown, value: unknown) {
      if (!this.has(key)) this.set(key, value);
      return this.get(key);
    },
    getOrInsertComputed(this: Keyed, key: unknown, value: (key: unknown) => unknown) {
      if (!this.has(key)) this.set(key, value(key));
      return this.get(key);
    },
  });
}

// The helpers of iterators: those that PDF.js calls, and what is as short.
const iterators = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object;
if (!("Iterator" in globalThis)) {
  const Iterator = function (): void {};
  Iterator.prototype = iterators;
  provide(globalThis, { Iterator });
}
provide(iterators, {
  *map(this: Iterable<unknown>, act: Each<unknown>) {
    let at = 0;
    for (const value of this) yield act(value, at++);
  },
  *filter(this: Iterable<unknown>, is: Each<boolean>) {
    let at = 0;
    for (const value of this) if (is(value, at++)) yield value;
  },
  find(this: Iterable<unknown>, is: Each<boolean>) {
    let at = 0;
    for (const value of this) if (is(value, at++)) return value;
    return undefined;
  },
  some(this: Iterable<unknown>, is: Each<boolean>) {
    let at = 0;
    for (const value of this) if (is(value, at++)) return true;
    return false;
  },
  every(this: Iterable<unknown>, is: Each<boolean>) {
    let at = 0;
    for (const value of this) if (!is(value, at++)) return false;
    return true;
  },
  forEach(this: Iterable<unknown>, act: Each<void>) {
    let at = 0;
    for (const value of this) act(value, at++);
  },
  toArray(this: Iterable<unknown>) {
    return [...this];
  },
});

provide(Set.prototype, {
  intersection(this: Set<unknown>, other: ReadonlySet<unknown>) {
    return new Set([...this].filter((value) => other.has(value)));
  },
  difference(this: Set<unknown>, other: ReadonlySet<unknown>) {
    return new Set([...this].filter((value) => !other.has(value)));
  },
  union(this: Set<unknown>, other: ReadonlySet<unknown>) {
    return new Set([...this, ...other]);
  },
});

provide(Math, {
  // Not to the last bit, as the standard's is: PDF.js adds up lengths and widths.
  sumPrecise(values: Iterable<number>) {
    let sum = 0;
    for (const value of values) sum += value;
    return sum;
  },
});

provide(URL, {
  parse(address: string, base?: string) {
    try {
      return new URL(address, base);
    } catch {
      return null;
    }
  },
});

provide(RegExp, {
  escape: (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"),
});

provide(Uint8Array, {
  fromBase64: (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)),
});
provide(Uint8Array.prototype, {
  toBase64(this: Uint8Array) {
    return btoa(Array.from(this, (byte) => String.fromCharCode(byte)).join(""));
  },
  toHex(this: Uint8Array) {
    return Array.from(this, (byte) => byte.toString(16).padStart(2, "0")).join("");
  },
});

// Character maps and fonts, as bytes.
for (const { prototype } of [Response, Blob]) {
  provide(prototype, {
    async bytes(this: Response | Blob) {
      return new Uint8Array(await this.arrayBuffer());
    },
  });
}

function provide(holder: object, what: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(what)) {
    if (!(name in holder)) Object.defineProperty(holder, name, { value, writable: true, configurable: true });
  }
}
