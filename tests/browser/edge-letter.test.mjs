// The letter page on the real edge: the report first, and the key kept.

import { after, before, describe } from "node:test";
import { head } from "./lib/letter.mjs";
import { waysBack } from "./lib/ways-back.mjs";
import { World } from "./lib/world.mjs";

const world = new World();
before(() => world.start("letter"));
after(() => world.stop());

const together = { concurrency: 2, timeout: 600_000 };

describe("the head of the letter", together, () => head(world));
describe("every way back keeps the key", together, () => waysBack(world));
