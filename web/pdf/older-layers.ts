// What PDF.js's viewer takes for granted beyond what its older build has added by then.

if (!("escape" in RegExp)) {
  const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  Object.defineProperty(RegExp, "escape", { value: escape, writable: true, configurable: true });
}
