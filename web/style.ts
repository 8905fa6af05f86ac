// Geometry of what the viewer itself makes. A constructed style sheet needs no exception in the Content-Security-Policy.

const RULES = `
.ws-page { position: relative; margin: 0 auto 0.75rem; background: #fff; }
.ws-page::after { content: ""; position: absolute; inset: 0; border: 1px solid rgb(0 0 0 / 0.2); pointer-events: none; }
.ws-page canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
/* Under the bar until its first page is drawn. */
.ws-unseen { position: absolute; inset-inline: 0; visibility: hidden; }
.ws-image { display: block; max-width: 100%; height: auto; margin: 0 auto; }
.ws-plain { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; text-align: start; }
/* The viewer keeps the reader's place itself: browsers do not look into boxes that scroll sideways. */
.ws-scroll { overflow-x: auto; overflow-anchor: none; }
.ws-page, .ws-page * { scroll-margin-top: var(--ws-bar, 0px); }
.ws-page:focus { outline: none; }
.ws-apology { padding: 1rem; color: #1c1a17; }
.ws-notice { position: sticky; top: 0; z-index: 3; background: var(--paper, Canvas); }
`;

/** False where the browser is too old for it: then pages are drawn with nothing over them. */
export function applyStyle(): boolean {
  try {
    applyRules(RULES);
    return true;
  } catch {
    return false;
  }
}

export function applyRules(rules: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(rules);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
