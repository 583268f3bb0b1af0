// The settings of one zone as fields. What has no field here stays as it was.

import { choice, field, make } from "./dom.js";
import { EQUIPMENT, say, sayObject } from "./words.js";
import "./words_camera.js";

const SECONDS = { min: "0", max: "86400", step: "0.1", type: "number", inputmode: "decimal" };
const NEW = { zone_id: "", name: "", kind: "danger", enter_debounce_s: 0.4, escalate_after_s: 20, dwell_s: null, entrances: false, require: [] };

export class ZoneForm {
  // zone null: a new one
  constructor(zone, changed) {
    this.zone = zone ?? NEW;
    this.changed = changed;
    this.id = make("input", { type: "text", maxlength: "32", value: this.zone.zone_id, disabled: zone !== null, autocomplete: "off", spellcheck: "false" });
    this.name = make("input", { type: "text", maxlength: "100", value: this.zone.name, autocomplete: "off" });
    this.kind = choice([["danger", say("dangerKind")], ["warning", say("warningKind")]], this.zone.kind);
    this.enter = make("input", { ...SECONDS, value: String(this.zone.enter_debounce_s) });
    this.escalate = make("input", { ...SECONDS, value: String(this.zone.escalate_after_s) });
    this.dwell = make("input", { ...SECONDS, value: this.zone.dwell_s === null ? "" : String(this.zone.dwell_s) });
    this.entrances = make("input", { type: "checkbox", checked: this.zone.entrances });
    this.require = EQUIPMENT.map((item) => [item, make("input", { type: "checkbox", checked: this.zone.require.includes(item) })]);
    this.root = make("div", { class: "zone-form", onchange: changed, oninput: changed },
      field(say("zoneId"), this.id), field(say("zoneName"), this.name), field(say("kind"), this.kind),
      field(say("enterAfter"), this.enter), field(say("escalateAfter"), this.escalate), field(say("dwellAfter"), this.dwell),
      make("label", { class: "check" }, this.entrances, say("entrances")),
      make("fieldset", { class: "checks" }, make("legend", { text: say("require") }),
        ...this.require.map(([item, box]) => make("label", { class: "check" }, box, sayObject(item)))));
  }

  put(name, value) {
    if (name === "require") this.require.forEach(([item, box]) => { box.checked = value.includes(item); });
    else if (name === "entrances") this.entrances.checked = value;
    else ({ name: this.name, kind: this.kind, enter_debounce_s: this.enter, escalate_after_s: this.escalate, dwell_s: this.dwell })[name].value = String(value ?? "");
    this.changed();
  }

  values(polygon) {
    const number = (input, otherwise) => (input.value === "" ? otherwise : Number(input.value));
    const id = this.id.value.trim();
    return {
      ...this.zone, polygon, zone_id: id || undefined, name: this.name.value.trim(), kind: this.kind.value,
      enter_debounce_s: number(this.enter, this.zone.enter_debounce_s), escalate_after_s: number(this.escalate, this.zone.escalate_after_s),
      dwell_s: number(this.dwell, null), entrances: this.entrances.checked,
      require: this.require.filter(([, box]) => box.checked).map(([item]) => item),
    };
  }
}
