// The pages of an end-to-end letter around the letter itself: they keep its key, and the envelope looks whether it is there.

import { withKey } from "./ask-key.js";
import { Failure } from "./failure.js";
import { fits } from "./key-check.js";
import { States } from "./states.js";

/**
 * Keeps the key of an end-to-end letter, which is only in the fragment, on the way through forms and language
 * links. A browser drops the fragment when it follows a link or posts a form that has none of its own; after a
 * redirect it keeps the one that it had. The fragment goes nowhere else.
 */
function keep(): void {
  const { hash } = location;
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-keep]")) {
    form.setAttribute("action", bare(form.getAttribute("action")) + hash);
  }
  for (const link of document.querySelectorAll<HTMLAnchorElement>("a[data-keep]")) {
    link.setAttribute("href", bare(link.getAttribute("href")) + hash);
  }
}

function bare(address: string | null): string {
  return (address ?? "").split("#", 1)[0] ?? "";
}

/** A link to the very address of this page would only move to the fragment. What is meant is to load it again. */
function followed(event: MouseEvent): void {
  keep();
  const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[data-keep]") : null;
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (link === null || !plain || link.href !== location.href) return;
  event.preventDefault();
  location.reload();
}

/** The envelope offers its choice to whoever has the key; else it asks for the link first. A no is heard without. */
async function lookAtKey(envelope: HTMLElement): Promise<void> {
  const states = new States(envelope);
  const { letter = "", keyCheck } = envelope.dataset;
  await withKey(states, async (key) => {
    if (!(await fits(key, letter, keyCheck))) throw new Failure("wrong-key", "not the key of this letter");
  });
  const asked = ["missing-key", "wrong-key"].includes(envelope.dataset.state ?? "");
  states.show("choice");
  keep();
  const box = envelope.querySelector<HTMLElement>("[name=agree]");
  // What was hidden when the page came could not be focused then.
  if (asked || box?.autofocus) box?.focus({ preventScroll: true });
}

const envelope = document.getElementById("envelope");
let looking = false;
function look(): void {
  if (envelope === null || looking) return;
  looking = true;
  void lookAtKey(envelope).finally(() => (looking = false));
}

keep();
look();
// The viewer may put a pasted key into the address without an event, so look again at the last moment.
addEventListener("hashchange", () => {
  keep();
  look();
});
addEventListener("click", followed, { capture: true });
addEventListener("submit", keep, { capture: true });
