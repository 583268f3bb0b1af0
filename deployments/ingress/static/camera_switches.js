// Detection, the camera itself, and messages: who switched what off, why and until when, and the switch.

import { ask, getJson, sayProblem } from "./api.js";
import { cameras } from "./cameras.js";
import { button, choice, field, make } from "./dom.js";
import { may } from "./session.js";
import { sayTime } from "./times.js";
import { say } from "./words.js";
import "./words_camera.js";

const FIELDS = [["detect", false], ["muted", true], ["enabled", false]]; // and the value that takes watching away
const ALL = "*";
const DETECTION_OFF = "detection is switched off"; // so begins the reason, see cluster/safety/status.py
const PERIODS = [["30", "for30m"], ["60", "for1h"], ["240", "for4h"], ["480", "for8h"], ["", "forEver"]];

export class CameraSwitches {
  constructor(cameraId) {
    this.cameraId = cameraId;
    this.base = `/api/v1/cameras/${encodeURIComponent(cameraId)}/overrides`;
    this.words = {}; // by field: the word that counts
    this.asking = null;
    this.lines = make("div");
    this.said = make("p", { class: "said-line", role: "status" });
    this.root = make("section", { class: "panel", "aria-label": say("switches") }, make("h2", { text: say("switches") }), this.lines, this.said);
  }

  async load() {
    const answer = await getJson(this.base);
    this.words = answer.ok ? answer.content.effective : {};
    this.known = answer.ok;
    this.said.textContent = answer.ok ? "" : sayProblem(answer);
    this.show();
  }

  show() {
    this.lines.replaceChildren(...FIELDS.map(([name, off]) => this.line(name, off)));
  }

  line(name, off) {
    const word = this.words[name]?.value === off ? this.words[name] : null;
    const state = make("span", { class: "grow" }, make("strong", { text: say(name) }), make("span", { class: this.stateOf(name, word) === "isOff" ? "is-off" : "soft", text: ` ${say(this.stateOf(name, word))}` }));
    if (word) state.append(make("span", { class: "hint block", text: sayWord(word) }));
    const row = make("div", { class: "switch", data: { field: name, off: Boolean(word) } }, state);
    if (may("operator") && this.known) row.append(word ? button(say("switchOn"), () => this.takeBack(word)) : button(say("switchOff"), () => { this.asking = name; this.show(); }));
    if (this.asking === name && !word) row.append(this.question(name, off));
    return row;
  }

  // Without an answer nothing is said to be on; and the camera's own settings may have switched it off.
  stateOf(name, word) {
    const report = cameras.report(this.cameraId);
    if (!this.known || !report) return "unknown";
    const offByItself = { detect: report.reason.startsWith(DETECTION_OFF), enabled: report.status === "DISABLED", muted: false }[name];
    return word || offByItself ? "isOff" : "isOn";
  }

  question(name, off) {
    const reason = make("input", { type: "text", maxlength: "200", autocomplete: "off" });
    const periods = PERIODS.filter(([minutes]) => minutes || name !== "muted"); // a quiet has an end
    const period = choice(periods.map(([minutes, key]) => [minutes, say(key)]), "60");
    const warning = make("p", { class: "warning-line", text: say(`off${name[0].toUpperCase()}${name.slice(1)}`) });
    return make("div", { class: "question" }, warning, field(say("reason"), reason), field(say("howLong"), period),
      make("div", { class: "row" }, button(say("switchOff").replace("…", ""), () => this.put(name, off, period.value, reason.value), "button danger"),
        button(say("cancel"), () => { this.asking = null; this.show(); })));
  }

  async put(name, value, minutes, reason) {
    const until = minutes ? new Date(Date.now() + Number(minutes) * 60000).toISOString() : null;
    this.asking = null;
    await this.done(await ask(`${this.base}/${name}`, { method: "PUT", body: { value, until, reason } }));
  }

  // What was said of all cameras is taken back for all.
  async takeBack({ field: name, camera_id: of }) {
    await this.done(await ask(`${of === ALL ? "/api/v1/overrides" : this.base}/${name}`, { method: "DELETE" }));
  }

  async done(answer) {
    await this.load();
    if (!answer.ok) this.said.textContent = sayProblem(answer);
  }
}

function sayWord(word) {
  const until = word.until ? say("untilTime", { t: sayTime(word.until) }) : say("noEnd");
  return [word.camera_id === ALL ? say("ofAll") : "", say("offBy", { who: word.set_by || "—", until }), word.reason].filter(Boolean).join(" · ");
}
