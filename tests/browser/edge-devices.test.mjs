// The letter page on slow devices, in old browsers, without script and without cookies.

import { after, before, describe } from "node:test";
import { noScript } from "./lib/noscript.mjs";
import { older } from "./lib/older.mjs";
import { sparing } from "./lib/sparing.mjs";
import { World } from "./lib/world.mjs";

const world = new World();
before(() => world.start("devices"));
after(() => world.stop());

const together = { concurrency: 2, timeout: 600_000 };

describe("devices to be spared", together, () => sparing(world));
describe("old browsers, and those without cookies", together, () => older(world));
describe("without script", together, () => noScript(world));
