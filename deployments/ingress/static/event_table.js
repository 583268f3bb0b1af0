// Events as rows, newest first. One row has the focus: arrows move it, Enter opens, A acknowledges, Space chooses.

import { cameras } from "./cameras.js";
import { make } from "./dom.js";
import { sayState, sayWho, Thumbnail } from "./event_list.js";
import { sayTime } from "./times.js";
import { say, sayType } from "./words.js";
import "./words_events.js";

const COLUMNS = ["picture", "time", "type", "camera", "zone", "severity", "state", "acknowledgedColumn"];
const MOST_ROWS = 1000;

export class EventTable {
  // on: {open, acknowledge} (event), chosen ()
  constructor(on) {
    this.on = on;
    this.rows = new Map();
    this.every = make("input", { type: "checkbox", "aria-label": say("chooseAll"), onchange: () => this.chooseAll() });
    this.body = make("tbody", { onkeydown: (pressed) => this.key(pressed) });
    const heads = COLUMNS.map((name) => make("th", { scope: "col", text: say(name) }));
    this.root = make("table", { class: "table events-table" }, make("caption", { class: "visually-hidden", text: say("eventsTable") }),
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, this.every), ...heads)), this.body);
  }

  get size() { return this.rows.size; }

  has(id) { return this.rows.has(id); }

  clear() {
    this.rows.clear();
    this.body.replaceChildren();
    this.every.checked = false;
    this.on.chosen();
  }

  place(event) {
    const known = this.rows.get(event.event_id);
    if (known) {
      if (known.event.revision <= event.revision) known.fill(event);
      return;
    }
    const row = new Row(event, this.on);
    this.rows.set(event.event_id, row);
    const later = [...this.body.children].find((other) => other.dataset.openedAt < event.opened_at);
    this.body.insertBefore(row.root, later ?? null);
    if (this.size > MOST_ROWS) this.forget(this.body.lastElementChild.dataset.event);
    if (this.size === 1) row.root.tabIndex = 0;
  }

  forget(id) {
    const row = this.rows.get(id);
    const next = row.root.nextElementSibling ?? row.root.previousElementSibling;
    if (row.root.tabIndex === 0 && next) this.moveTo(next, row.root.contains(document.activeElement));
    row.root.remove();
    this.rows.delete(id);
    this.on.chosen();
  }

  chosen() { return this.chosenEvents().map((event) => event.event_id); }

  chosenEvents() { return [...this.rows.values()].filter((row) => row.box.checked).map((row) => row.event); }

  chooseAll() {
    for (const row of this.rows.values()) row.box.checked = this.every.checked && !row.event.acknowledged;
    this.on.chosen();
  }

  chooseNone() {
    this.every.checked = false;
    this.chooseAll();
  }

  key(pressed) {
    const root = pressed.target.closest("tr");
    const row = this.rows.get(root?.dataset.event);
    if (!row || pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
    const onRow = pressed.target === root;
    const moves = { ArrowDown: root.nextElementSibling, ArrowUp: root.previousElementSibling, Home: this.body.firstElementChild, End: this.body.lastElementChild };
    if (pressed.key in moves) this.moveTo(moves[pressed.key] ?? root);
    else if (pressed.key === "Enter" && onRow) this.on.open(row.event);
    else if (pressed.key === "a" || pressed.key === "A") this.on.acknowledge(row.event);
    else if (pressed.key === " " && onRow) row.toggle();
    else return;
    pressed.preventDefault();
  }

  moveTo(root, focus = true) {
    for (const other of this.rows.values()) other.root.tabIndex = other.root === root ? 0 : -1;
    if (focus) root.focus();
  }
}

class Row {
  constructor(event, on) {
    this.on = on;
    this.box = make("input", { type: "checkbox", onchange: () => on.chosen(), tabindex: "-1" });
    this.thumb = new Thumbnail(() => on.open(this.event));
    this.thumb.root.tabIndex = -1;
    this.time = make("time");
    this.type = make("strong");
    this.camera = make("span");
    this.zone = make("span");
    this.severity = make("span", { class: "chip severity" });
    this.state = make("span", { class: "chip state" });
    this.acknowledged = make("span");
    const cells = [this.box, this.thumb.root, this.time, this.type, this.camera, this.zone, this.severity, this.state, this.acknowledged];
    this.root = make("tr", { tabindex: "-1", data: { event: event.event_id, openedAt: event.opened_at } },
      ...cells.map((cell, index) => make("td", { data: { column: ["choose", ...COLUMNS][index] } }, cell)));
    this.root.addEventListener("dblclick", () => on.open(this.event));
    this.fill(event);
  }

  fill(event) {
    // It was chosen for what it was: the newer news has to be looked at first.
    if (this.event && this.event.occurrence !== event.occurrence) this.box.checked = false;
    this.event = event;
    Object.assign(this.root.dataset, { severity: event.severity, state: event.state });
    this.box.setAttribute("aria-label", `${say("chooseEvent")}: ${sayType(event.event_type)} ${sayTime(event.opened_at)}`);
    this.thumb.fill(event);
    this.time.dateTime = event.opened_at;
    this.time.textContent = sayTime(event.opened_at);
    this.type.textContent = sayType(event.event_type);
    this.camera.textContent = cameras.nameOf(event.camera_id);
    this.zone.textContent = event.zone_id ? cameras.zoneName(event.camera_id, event.zone_id) : say("wholePicture");
    this.severity.textContent = say(event.severity);
    this.state.textContent = sayState(event);
    this.acknowledged.textContent = event.acknowledged ? sayWho(event) : "—";
  }

  toggle() {
    this.box.checked = !this.box.checked;
    this.on.chosen();
  }
}
