// The letter page on the real edge: the report first, for fast and slow devices, new and old browsers, with and without cookies.

import { after, before, describe } from "node:test";
import { head } from "./lib/letter.mjs";
import { older } from "./lib/older.mjs";
import { sparing } from "./lib/sparing.mjs";
import { waysBack } from "./lib/ways-back.mjs";
import { World } from "./lib/world.mjs";

const world = new World();
before(() => world.start("letter"));
after(() => world.stop());

const together = { concurrency: 2, timeout: 240_000 };

describe("the head of the letter", together, () => head(world));
describe("devices to be spared", together, () => sparing(world));
describe("old browsers, and those without cookies", together, () => older(world));
describe("every way back keeps the key", together, () => waysBack(world));
