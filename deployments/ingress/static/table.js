// A plain table with a caption; it scrolls sideways by itself, so that a narrow page does not.

import { make } from "./dom.js";

// heads: texts; rows: [[text or element]]
export function table(caption, heads, rows) {
  const body = rows.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell instanceof Node ? cell : String(cell ?? "")))));
  const made = make("table", { class: "table" }, make("caption", { class: "visually-hidden", text: caption }),
    make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col", text })))), make("tbody", {}, ...body));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, made);
}

export function panel(title, ...children) {
  return make("section", { class: "panel", "aria-label": title }, make("h2", { text: title }), ...children);
}
