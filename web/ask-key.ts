// Asking for the key: from the address, or from a link that the reader pastes.

import { Failure } from "./failure.js";
import { fromFragment, fromPasted, type Key } from "./key.js";
import type { States } from "./states.js";

/** The key in the address, or what to show instead. */
function keyInAddress(): Key | "missing-key" | "wrong-key" {
  const read = fromFragment(location.hash);
  if (read.found === "key") return read.key;
  return read.found === "none" ? "missing-key" : "wrong-key";
}

/**
 * Asks for keys until one opens: that in the address first, then what the reader pastes. The address then holds it in its
 * canonical spelling, so that reload and bookmark work. `open` throws a Failure of the kind `wrong-key` for another key.
 */
export async function withKey<T>(states: States, open: (key: Key) => Promise<T>): Promise<T> {
  let key = keyInAddress();
  let asked = false;
  for (;;) {
    if (typeof key === "string") {
      key = await askKey(states, key, asked);
      asked = true;
    }
    try {
      const opened = await open(key);
      keepInAddress(key);
      return opened;
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== "wrong-key") throw error;
      key = "wrong-key";
    }
  }
}

/** Shows the form and waits for a whole key: pasted, or put into the address by hand. `again`: the one before did not open. */
function askKey(states: States, state: "missing-key" | "wrong-key", again: boolean): Promise<Key> {
  states.show(state);
  const section = states.section(state);
  const form = section?.querySelector("form") ?? null;
  const input = section?.querySelector<HTMLInputElement>("[data-link]") ?? null;
  const complaint = section?.querySelector<HTMLElement>("[data-key-error]") ?? null;
  const complain = (wrong: boolean): void => {
    if (complaint) complaint.hidden = !wrong;
    input?.setAttribute("aria-invalid", String(wrong));
  };
  return new Promise((resolve) => {
    const submitted = (event: Event): void => {
      event.preventDefault();
      const key = fromPasted(input?.value ?? "", location.pathname.split("/")[1] ?? "");
      complain(key === null);
      if (key !== null) done(key);
      else input?.focus();
    };
    const moved = (): void => {
      const key = keyInAddress();
      if (typeof key !== "string") done(key);
    };
    const done = (key: Key): void => {
      form?.removeEventListener("submit", submitted);
      removeEventListener("hashchange", moved);
      if (input) input.value = "";
      resolve(key);
    };
    form?.addEventListener("submit", submitted);
    addEventListener("hashchange", moved);
    if (again) complain(true);
    if (again || (state === "wrong-key" && document.activeElement === document.body)) input?.focus({ preventScroll: true });
  });
}

function keepInAddress(key: Key): void {
  if (location.hash !== `#${key.text}`) {
    history.replaceState(history.state, "", `${location.pathname}${location.search}#${key.text}`);
  }
}
