// Somebody else saved meanwhile: what differs, theirs and yours beside each other. Who decides is the person.

import { getJson } from "./api.js";
import { make } from "./dom.js";
import { may } from "./session.js";
import { sayTime } from "./times.js";
import { say } from "./words.js";
import "./words_setup.js";

const LATEST = 50;
const NOBODY = "anybody"; // so the audit says while sign-in is off
const CHANGES = /^(camera|zone)\./;
const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

// -> [{name, yours, theirs, take}] of what they changed, and not to the same; where only they did, theirs is taken until
// somebody says otherwise. What only you changed is no question.
export function differences(base, yours, theirs, names) {
  return names.filter((name) => !same(yours[name], theirs[name]) && !same(theirs[name], base[name]))
    .map((name) => ({ name, yours: yours[name], theirs: theirs[name], take: same(yours[name], base[name]) ? "theirs" : "yours" }));
}

// Who changed the camera last, in words. The audit is for administrators, and so are changes.
export async function whoChanged(cameraId) {
  const answer = may("admin") ? await getJson(`/api/v1/audit?limit=${LATEST}`) : null;
  const last = (answer?.content?.entries ?? []).find(({ action, subject }) => CHANGES.test(action) && subject.split("/")[0] === cameraId);
  return last && last.who !== NOBODY ? say("conflictBy", { who: last.who, t: sayTime(last.at) }) : say("conflictUnknown");
}

// rows: `differences`; wordOf(name), sayValue(name, value); choose(row, side): what is to be saved
export function conflictPanel({ who, rows, wordOf, sayValue, choose }) {
  const title = make("h3", { text: `${say("conflictTitle")} (${who})`, tabindex: "-1" });
  return make("div", { class: "conflict", role: "group", "aria-label": say("conflictTitle") }, title, make("p", { class: "hint", text: say("conflictHint") }),
    ...rows.map((row) => choiceOf(row, wordOf, sayValue, choose)));
}

let groups = 0;

function choiceOf(row, wordOf, sayValue, choose) {
  groups += 1;
  const group = `conflict-${groups}`;
  const option = (side) => make("label", { class: "check" },
    make("input", { type: "radio", name: group, value: side, checked: row.take === side, onchange: () => choose(row, side) }),
    make("span", {}, make("span", { class: "soft", text: `${say(side)}: ` }), make("strong", { text: sayValue(row.name, row[side]) })));
  return make("fieldset", { data: { field: row.name } }, make("legend", { text: wordOf(row.name) }), option("yours"), option("theirs"));
}

export function sayValue(value) {
  if (value === true || value === false) return say(value ? "yes" : "no");
  if (value === null || value === undefined || value === "") return say("empty");
  return Array.isArray(value) ? value.join(", ") || say("none") : String(value);
}
