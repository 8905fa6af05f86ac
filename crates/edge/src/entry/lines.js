// Log lines. The platform stores the URL of a request beside every line of a fetch handler, and a URL may be a link. So lines are
// held in the isolate. They are written by a Durable Object, whose URL says nothing, or by the daily schedule, which has none.

/** More lines than this in one batch are counted and not kept. */
const MOST_LINES = 1_000;
const MOST_CHARACTERS = 4_000;

/** A batch is gathered for so long: a flood costs a call a second, not one a request. */
const GATHER_MS = 1_000;
/** The object that writes has this long to take a batch. What it does not take is lost. */
const PATIENCE_MS = 5_000;
/** The platform ends the work of a request some time after its answer: then another one gathers. */
const GIVEN_UP_MS = 30_000;
/** Batches that one request sends before it leaves the rest to another. */
const MOST_BATCHES = 8;

/** Lines with how often each came. */
let held = [];
/** Where the lines are that are counted rather than repeated. */
let counted = new Map();
let lost = 0;
let gatheringSince = 0;

/** Holds a line, a JSON object as text. With `counts` one that is held already is counted. */
export function line(text, counts) {
  const same = counts ? counted.get(text) : undefined;
  if (same) {
    same.count += 1;
  } else if (held.length < MOST_LINES) {
    const entry = { text, count: 1 };
    held.push(entry);
    if (counts) counted.set(text, entry);
  } else {
    lost += 1;
  }
}

/** Where a panic of ours was. */
const POSITION = /^(?:crates\/edge\/)?src\/[a-z_/]+\.rs:\d{1,4}:\d{1,3}:?$/;
/** Words in which digits may stand: a status, a line, a column. */
const NUMBER = /^[([]?\d{1,4}[)\],;:.]?$/;
/** Longer than a word is, so that it may be a token, a key, an address. */
const LONG = 16;

/** One word of what others say, or dots in its place. */
function harmless(word) {
  if (POSITION.test(word) || NUMBER.test(word)) return word;
  const suspicious = word.length >= LONG || /[@\d%]/.test(word) || /[.:].*[.:]/.test(word);
  return suspicious ? "..." : word;
}

/**
 * Plain words alone. From the first quotation mark on there may be anything, a subject too; the mark of `can't` quotes nothing.
 * Several numbers in a row may be a telephone number.
 */
function plain(text) {
  const unquoted = text.replace(/(?:["`\u00ab\u2018-\u201f]|(?<![a-z])'|'(?!(?:d|ll|m|re|s|t|ve)\b))[^]*/, "...");
  return unquoted.replace(/[+(]*\d[\d\s()./-]{4,}\d/g, "...").split(/\s+/).map(harmless).join(" ");
}

/** What others say: the bindings, a panic. The name of an error is kept, and of the rest what can be no secret. */
export function said(...words) {
  const of = (error) => `${/^[A-Za-z]{1,40}$/.test(error.name) ? error.name : "Error"}: ${plain(String(error.message))}`;
  const text = words.map((word) => (word instanceof Error ? of(word) : plain(String(word)))).join(" ");
  const detail = text.slice(0, MOST_CHARACTERS);
  line(JSON.stringify({ code: "runtime", detail, event: "fault", level: "error", place: "module" }), true);
}

/** Everything that is held, as text. */
function drain() {
  const lines = held.map(({ text, count }) => (count === 1 ? text : `${text.slice(0, -1)},"count":${count}}`));
  if (lost > 0) lines.push(JSON.stringify({ count: lost, event: "lines_lost", level: "error" }));
  [held, counted, lost] = [[], new Map(), 0];
  return lines;
}

/** Writes lines. Never called where the invocation's URL may be a link. */
export function write(lines = drain()) {
  for (const text of lines) globalThis.console.log(text);
}

/** Sends what is held, and what comes meanwhile, to the object that writes it. Called after the answer; never fails. */
export async function relay(env) {
  const now = Date.now();
  if (held.length === 0 || Math.abs(now - gatheringSince) < GIVEN_UP_MS) return;
  gatheringSince = now;
  try {
    for (let batch = 0; batch < MOST_BATCHES && held.length > 0; batch += 1) {
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      // A Durable Object of this isolate may have written them.
      if (held.length === 0) continue;
      const namespace = env.LOG_RELAY;
      // Without it they stay, for whoever may write in this isolate.
      if (!namespace) break;
      const body = JSON.stringify(drain());
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const answer = await namespace.getByName("log").fetch("https://object/", { method: "POST", body, signal });
      await answer.body?.cancel();
    }
  } catch {
    // A lost line is better than one beside a link.
  } finally {
    gatheringSince = 0;
  }
}
