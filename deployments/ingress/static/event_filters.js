// What of the events is shown. Times stand in the address in UTC, in the fields in the site's zone.

import { cameras } from "./cameras.js";
import { button, choice, field, make } from "./dom.js";
import { toLocal, toUtc } from "./times.js";
import { EVENT_TYPES, say, sayType } from "./words.js";
import "./words_events.js";

const NAMES = ["camera_id", "zone_id", "event_type", "severity", "state", "acknowledged", "opened_after", "opened_before"];
const TYPING_PAUSE_MS = 500;

export class Filters {
  constructor(query, changed) {
    this.changed = changed;
    this.values = {};
    this.camera = choice([["", say("all")]]);
    const options = (values, text) => [["", say("all")], ...values.map((value) => [value, text(value)])];
    this.controls = {
      camera_id: this.camera,
      zone_id: make("input", { type: "text", maxlength: "100", placeholder: say("zoneHint"), autocomplete: "off" }),
      event_type: choice(options(EVENT_TYPES, sayType)),
      severity: choice(options(["CRITICAL", "WARNING", "INFO"], say)),
      state: choice(options(["open", "escalated", "closed"], say)),
      acknowledged: choice([["", say("all")], ["false", say("unacknowledgedOnly")], ["true", say("acknowledgedOnly")]]),
      opened_after: make("input", { type: "datetime-local" }),
      opened_before: make("input", { type: "datetime-local" }),
    };
    const labels = ["camera", "zone", "type", "severity", "state", "acknowledgedColumn", "after", "before"];
    this.root = make("form", { class: "filters", "aria-label": say("filters") },
      ...NAMES.map((name, index) => field(say(labels[index]), this.controls[name])),
      button(say("clearFilters"), () => this.clear(), "button"));
    this.root.addEventListener("submit", (event) => event.preventDefault());
    this.root.addEventListener("change", () => this.read());
    this.controls.zone_id.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.read(), TYPING_PAUSE_MS);
    });
    this.fill(query);
  }

  fill(query) {
    this.values = Object.fromEntries(NAMES.filter((name) => query[name]).map((name) => [name, query[name]]));
    this.showCameras();
    for (const name of NAMES) {
      const value = this.values[name] ?? "";
      this.controls[name].value = name.startsWith("opened") ? toLocal(value) : value;
    }
  }

  isAs(query) { return NAMES.every((name) => (query[name] ?? "") === (this.values[name] ?? "")); }

  showCameras() {
    const chosen = this.values.camera_id ?? "";
    const known = cameras.reports.map((report) => [report.camera_id, report.name || report.camera_id]);
    if (chosen && !known.some(([id]) => id === chosen)) known.push([chosen, chosen]);
    const state = JSON.stringify(known);
    if (state === this.camerasSaid) return; // a list that somebody has open is not taken away
    this.camerasSaid = state;
    this.camera.replaceChildren(...[["", say("all")], ...known].map(([value, text]) => make("option", { value, text })));
    this.camera.value = chosen;
  }

  read() {
    clearTimeout(this.typing);
    const before = JSON.stringify(this.values);
    this.values = {};
    for (const name of NAMES) {
      const text = this.controls[name].value.trim();
      const value = name.startsWith("opened") ? toUtc(text) : text;
      if (value) this.values[name] = value;
    }
    if (before !== JSON.stringify(this.values)) this.changed(this.values);
  }

  clear() {
    for (const control of Object.values(this.controls)) control.value = "";
    this.read();
  }

  toApi() { return { ...this.values }; }
}

// Whether the API would list this event under these filters.
export function fits(event, asked) {
  const moment = new Date(event.opened_at);
  return ["camera_id", "zone_id", "event_type", "severity", "state"].every((name) => !asked[name] || asked[name] === event[name])
    && (!asked.acknowledged || asked.acknowledged === String(event.acknowledged))
    && (!asked.opened_after || moment >= new Date(asked.opened_after))
    && (!asked.opened_before || moment < new Date(asked.opened_before));
}
