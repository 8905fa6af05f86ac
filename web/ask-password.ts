// Asks for the password of a PDF. It stays in the browser: PDF.js unlocks the file here.

import type { States } from "./states.js";

/** Waits for a password; `again` says that the one before did not fit. */
export function askPassword(states: States, again: boolean): Promise<string> {
  states.show("password");
  const section = states.section("password");
  const form = section?.querySelector<HTMLFormElement>("[data-password-form]") ?? null;
  const field = section?.querySelector<HTMLInputElement>("[data-password]") ?? null;
  const error = section?.querySelector<HTMLElement>("[data-password-error]") ?? null;
  if (error) error.hidden = !again;
  if (field) {
    field.value = "";
    field.setAttribute("aria-invalid", String(again));
    if (again) field.focus();
  }
  return new Promise((resolve) => {
    if (!form || !field) return;
    form.onsubmit = (event): void => {
      event.preventDefault();
      if (field.value === "") return void field.focus();
      const { value } = field;
      field.value = "";
      resolve(value);
    };
  });
}
