// Somebody else changed the zone that is being edited: their values and yours, on the form and on the picture.

import { conflictPanel, differences, sayValue } from "./conflict.js";
import { say, sayObject } from "./words.js";
import "./words_camera.js";
import "./words_setup.js";

const WORDS = {
  polygon: "shape", name: "zoneName", kind: "kind", enter_debounce_s: "enterAfter", escalate_after_s: "escalateAfter", dwell_s: "dwellAfter",
  entrances: "entrances", require: "require",
};

// base: the zone as it was when editing began, theirs: as it is now. What has no field is theirs.
// -> the panel that asks, or null where nothing of it was changed otherwise than here
export function zoneConflict({ who, base, theirs, form, editor }) {
  const rows = differences(base, form.values(editor.points), theirs, Object.keys(WORDS));
  form.zone = theirs;
  if (!rows.length) return null;
  const { others } = editor;
  const choose = ({ name, yours, theirs: other }, side) => {
    put(form, editor, name, side === "yours" ? yours : other);
    // The one that would not be saved stays in sight.
    if (name === "polygon") editor.setOthers([...others, { polygon: side === "yours" ? other : yours, kind: "other-choice" }]);
  };
  for (const row of rows) if (row.take === "theirs" || row.name === "polygon") choose(row, row.take);
  return conflictPanel({ who, rows, wordOf: (name) => say(WORDS[name]), sayValue: sayOf, choose });
}

function put(form, editor, name, value) {
  if (name !== "polygon") form.put(name, value);
  else if (String(value) !== String(editor.points)) editor.step(value.map((point) => [...point]));
}

function sayOf(name, value) {
  if (name === "polygon") return say("points", { n: value.length });
  if (name === "kind") return say(`${value}Kind`);
  return name === "require" ? value.map(sayObject).join(", ") || say("none") : sayValue(value);
}
