// Asking for the key: from the address, or from a link that the reader pastes.

import { fromFragment, fromPasted, type Key } from "./key.js";
import type { States } from "./states.js";

/** The key in the address, or what to show instead. */
export function keyInAddress(): Key | "missing-key" | "wrong-key" {
  const read = fromFragment(location.hash);
  if (read.found === "key") return read.key;
  return read.found === "none" ? "missing-key" : "wrong-key";
}

/** Shows the form and waits for a whole key: pasted, or put into the address by hand. */
export function askKey(states: States, state: "missing-key" | "wrong-key"): Promise<Key> {
  states.show(state);
  const section = states.section(state);
  const form = section?.querySelector("form") ?? null;
  const input = section?.querySelector<HTMLInputElement>("[data-link]") ?? null;
  const complaint = section?.querySelector<HTMLElement>("[data-key-error]") ?? null;
  return new Promise((resolve) => {
    const submitted = (event: Event): void => {
      event.preventDefault();
      const key = fromPasted(input?.value ?? "", location.pathname.split("/")[1] ?? "");
      if (complaint) complaint.hidden = key !== null;
      input?.setAttribute("aria-invalid", String(key === null));
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
    if (state === "wrong-key" && document.activeElement === document.body) input?.focus({ preventScroll: true });
  });
}

/** Once the key has opened the first record, the address holds it in its canonical spelling: reload and bookmark work. */
export function keepInAddress(key: Key): void {
  if (location.hash !== `#${key.text}`) {
    history.replaceState(history.state, "", `${location.pathname}${location.search}#${key.text}`);
  }
}
