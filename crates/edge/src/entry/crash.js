// What becomes of an exception in the module: a line, and never one that the runtime writes beside the URL of a request.

import { said } from "./lines.js";
import { breakOff } from "./pipe.js";

/** How often who waits for the module looks whether it has crashed. */
const LOOK_MS = 1_000;

/** What the bindings keep of the module: its instance's number, and whether a panic ended it. */
const instance = () => globalThis.__worker_init_state;

/** The number of the instance that answers: a new one, which `reset` makes, where the last one crashed. */
export function living(reset) {
  if (instance().criticalError) {
    reset();
    instance().criticalError = false;
  }
  return instance().instanceId;
}

let crashes = 0;

/** The module broke off in the middle of something. */
function crashed(error) {
  crashes += 1;
  said(error);
  if (error instanceof WebAssembly.RuntimeError && instance()) instance().criticalError = true;
  breakOff();
}

/** Something failed. Only a trap says that the module is done for. */
export function failed(error) {
  if (error instanceof WebAssembly.RuntimeError) crashed(error);
  else said(error);
}

/** What `work` comes to. Of a module that crashed it may never come to anything: then this fails. */
export async function unlessCrashed(work, longest = Infinity) {
  const before = crashes;
  let timer;
  const crash = new Promise((_, reject) => {
    let waited = 0;
    const look = () => {
      waited += LOOK_MS;
      if (crashes === before && waited < longest) timer = later(look, LOOK_MS);
      else reject(new Error("no answer from the module"));
    };
    timer = later(look, LOOK_MS);
  });
  try {
    return await Promise.race([work, crash]);
  } finally {
    clearTimeout(timer);
  }
}

/** The runtime's own timer, for what is no part of the module. */
export const later = globalThis.setTimeout.bind(globalThis);

/**
 * A callback of the module: what it throws goes no further, and one of an instance that is gone does nothing. An exception that
 * is no trap counts as a crash, too: it went right through the module's own code, and the task that ran there never ends.
 */
function guarded(work) {
  const born = instance()?.instanceId;
  return (...args) => {
    if (instance()?.instanceId !== born) return;
    try {
      work(...args);
    } catch (error) {
      crashed(error);
    }
  };
}

const soon = globalThis.queueMicrotask.bind(globalThis);
globalThis.setTimeout = (work, ...more) => later(guarded(work), ...more);
globalThis.queueMicrotask = (work) => soon(guarded(work));

// An exception elsewhere, and a promise that nobody waited for.
addEventListener("error", (event) => {
  event.preventDefault();
  failed(event.error ?? event.message);
});
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  failed(event.reason);
});
