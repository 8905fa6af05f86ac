// Geometry of what the viewer itself makes. A constructed style sheet needs no exception in the Content-Security-Policy.

const RULES = `
.ws-page { position: relative; margin: 0 auto 0.75rem; background: #fff; }
.ws-page::after { content: ""; position: absolute; inset: 0; border: 1px solid rgb(0 0 0 / 0.2); pointer-events: none; }
.ws-page canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
.ws-image { display: block; max-width: 100%; height: auto; margin: 0 auto; }
.ws-plain { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; text-align: start; }
/* The viewer keeps the reader's place itself: browsers do not look into boxes that scroll sideways. */
.ws-scroll { overflow-x: auto; overflow-anchor: none; }
.ws-text { position: absolute; top: 0; left: 0; width: 100%; height: 100%; overflow: hidden; line-height: 1; text-align: initial; forced-color-adjust: none;
  letter-spacing: normal; word-spacing: normal; -webkit-text-size-adjust: none; text-size-adjust: none; transform-origin: 0 0;
  --text-scale-factor: calc(var(--total-scale-factor) * var(--min-font-size, 1));
  --min-font-size-inv: calc(1 / var(--min-font-size, 1)); }
.ws-text span, .ws-text br { color: transparent; position: absolute; white-space: pre; cursor: text; transform-origin: 0 0; }
.ws-text .markedContent { display: contents; }
.ws-text > :not(.markedContent), .ws-text .markedContent span:not(.markedContent) {
  font-size: calc(var(--text-scale-factor) * var(--font-height, 0px));
  transform: rotate(var(--rotate, 0deg)) scaleX(var(--scale-x, 1)) scale(var(--min-font-size-inv)); }
.ws-notice { position: sticky; top: 0; z-index: 3; background: var(--paper, Canvas); }
.ws-text[data-main-rotation="90"] { transform: rotate(90deg) translateY(-100%); }
.ws-text[data-main-rotation="180"] { transform: rotate(180deg) translate(-100%, -100%); }
.ws-text[data-main-rotation="270"] { transform: rotate(270deg) translateX(-100%); }
.ws-text ::selection { background: rgb(0 90 200 / 0.3); }
`;

/** False where the browser is too old for it: then pages are drawn without a text layer. */
export function applyStyle(): boolean {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(RULES);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    return true;
  } catch {
    return false;
  }
}
