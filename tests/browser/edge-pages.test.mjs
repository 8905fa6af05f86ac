// The pages as people meet them: the real edge on workerd, the real command line, real Chromium.

import { after, before, describe } from "node:test";
import { choices } from "./lib/choices.mjs";
import { files } from "./lib/files.mjs";
import { journey } from "./lib/journey.mjs";
import { keys } from "./lib/keys.mjs";
import { languages } from "./lib/languages.mjs";
import { over } from "./lib/over.mjs";
import { paper } from "./lib/paper.mjs";
import { accessible, firstPaint, kept } from "./lib/quality.mjs";
import { robots } from "./lib/robots.mjs";
import { viewing } from "./lib/viewing.mjs";
import { World } from "./lib/world.mjs";

const world = new World();
before(() => world.start("pages"));
after(() => world.stop());

// A few readers at a time: enough to keep two cores busy, few enough for a slow machine.
const together = { concurrency: 3, timeout: 600_000 };

describe("the journey", together, () => journey(world));
describe("the report in its viewer", together, () => viewing(world));
describe("the choice", together, () => choices(world));
describe("who looks like a robot", together, () => robots(world));
describe("keys", together, () => keys(world));
describe("languages", together, () => languages(world));
describe("when something ends or goes wrong", together, () => over(world));
describe("files of every kind", together, () => files(world));
describe("on paper", together, () => paper(world));
describe("for everybody", together, () => accessible(world));
describe("first paint", together, () => firstPaint(world));
describe("secrets", () => kept(world));
