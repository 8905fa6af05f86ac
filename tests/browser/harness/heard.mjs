// What a screen reader has of a report, from the browser's own tree, and what PDF.js says is written in it.

/** For each page: its name, its text in order, its headings with their level, how many tables. */
export async function heard(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Accessibility.enable");
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  await session.detach();
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const below = (node) => [node, ...(node.childIds ?? []).flatMap((id) => (byId.has(id) ? below(byId.get(id)) : []))];
  const region = nodes.find((node) => node.role?.value === "region" && below(node).some((one) => one.role?.value === "group"));
  return (region ? below(region) : [])
    .filter((node) => node.role?.value === "group" && /\d/.test(node.name?.value ?? ""))
    .map((group) => {
      const all = below(group);
      const value = (node, name) => node.properties?.find((property) => property.name === name)?.value.value;
      return {
        name: group.name.value,
        text: all.filter((node) => node.role?.value === "StaticText").map((node) => node.name.value).join(" "),
        headings: all.filter((node) => node.role?.value === "heading").map((node) => `${value(node, "level")} ${node.name.value}`),
        tables: all.filter((node) => node.role?.value === "table").length,
      };
    });
}

/** The text of each page of the report that is open, read by PDF.js anew from its bytes. */
export function textOf(page) {
  return page.evaluate(async () => {
    const { report, mode } = document.getElementById("letter").dataset;
    if (mode === "end-to-end") throw new Error("only the browser has the text of this one");
    const data = new Uint8Array(await (await fetch(report)).arrayBuffer());
    const task = globalThis.pdfjsLib.getDocument({ data, useWasm: false, verbosity: 0 });
    const pdf = await task.promise;
    const texts = [];
    for (let n = 1; n <= pdf.numPages; n += 1) {
      const { items } = await (await pdf.getPage(n)).getTextContent({ disableNormalization: true });
      texts.push(items.map((item) => `${item.str}${item.hasEOL ? "\n" : ""}`).join(""));
    }
    await task.destroy();
    return texts;
  });
}
