// Makes elements. Texts are always text, never markup: names of cameras and zones come from people.

export function element(tag, className, parent) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (parent) parent.append(made);
  return made;
}

// attributes: `text`, `data` ({name: value}), `onclick` and its like (functions), everything else as HTML says it.
// null, undefined and false leave an attribute out; children may be null.
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) give(made, name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function give(made, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name === "text") made.textContent = value;
  else if (name === "data") Object.assign(made.dataset, value);
  else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
  else made.setAttribute(name, value === true ? "" : value);
}

const SVG = "http://www.w3.org/2000/svg";

export function makeSvg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) give(made, name, value);
  made.append(...children);
  return made;
}

let numbered = 0;

// A label and its control, tied together for screen readers.
export function field(text, control, hint = "") {
  numbered += 1;
  control.id ||= `field-${numbered}`;
  const label = make("label", { text, for: control.id });
  return make("div", { class: "field" }, label, control, hint ? make("p", { class: "hint", text: hint }) : null);
}

export function choice(options, chosen = "") {
  const select = make("select", {}, ...options.map(([value, text]) => make("option", { value, text })));
  select.value = chosen;
  return select;
}

export function button(text, onclick, className = "button") {
  return make("button", { type: "button", class: className, text, onclick });
}

// Who wants to know; `add` gives the function that takes the listener off again.
export class Listeners {
  constructor() { this.all = new Set(); }

  add(listener) {
    this.all.add(listener);
    return () => this.all.delete(listener);
  }

  tell(...said) { for (const listener of [...this.all]) listener(...said); }
}

// Calls `work` again and again; the next one starts when the last one ended, so a slow server is not asked more and more.
export function every(pauseMs, work) {
  let timer;
  let stopped = false;
  const again = async () => {
    await work();
    if (!stopped) timer = setTimeout(again, pauseMs);
  };
  again();
  return () => { stopped = true; clearTimeout(timer); };
}
