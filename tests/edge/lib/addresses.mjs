// Connecting addresses for tests. Locally `cf-connecting-ip` passes through from whoever sends it (docs/RUNTIME.md), so a
// header is enough to be somebody else.

import assert from "node:assert/strict";

let used = 0;

/** An address that nobody had before, in a /24 of its own, so that no test meets the bans of another. */
export function freshAddress() {
  const number = used;
  used += 1;
  assert.ok(number < 81_920, "all networks of 10.0.0.0/8 and 100.64.0.0/10 are used up");
  const [first, second] = number < 65_536 ? [10, number >> 8] : [100, 64 + ((number - 65_536) >> 8)];
  return `${first}.${second}.${number & 255}.1`;
}

/** What says who is asking. `asn` and `country` count only where the front of `front.mjs` stands before the edge. */
export function comesFrom({ address = freshAddress(), asn, country } = {}) {
  return {
    "cf-connecting-ip": address,
    ...(asn !== undefined && { "x-test-asn": String(asn) }),
    ...(country !== undefined && { "x-test-country": country }),
  };
}

/** Client `host` of IPv4 network `number` (a /24 of 198.18.0.0/15 and what follows it, which the test networks own). */
export function v4(number, host) {
  return `198.${18 + (number >> 8)}.${number & 255}.${host}`;
}

/** Client (/64) `host` of the /56 `near` of the /48 `far`, as an address inside it. */
export function v6(far, near, host) {
  const group = (near << 8) | host;
  return `2001:db8:${far.toString(16)}:${group.toString(16)}::${(1 + (host % 7)).toString(16)}`;
}
