// The settings of one camera as fields. What has no field here stays as it is.

import { isFile, isNetwork, isRtsp, putTogether, takeApart } from "./camera_address.js";
import { choice, field, make } from "./dom.js";
import { say } from "./words.js";
import "./words_setup.js";

export const NEW = {
  camera_id: "", name: "", source: "", transport: "tcp", loop: false, enabled: true, detect: true, detect_fps: 5, motion_gate: true, node: "", max_frame_age_s: 2,
  degraded_after_s: 5, open_timeout_s: 8, read_timeout_s: 5, unmonitored_after_s: 5, fallen: true, privacy_masks: [],
};
// name: [word, least, most], as cluster/settings/cameras.py has them
const NUMBERS = {
  detect_fps: ["detectRate", 0.1, 60], unmonitored_after_s: ["unmonitoredAfter", 1, 120], degraded_after_s: ["degradedAfter", 0.1, 600], max_frame_age_s: ["maxFrameAge", 0.1, 60],
  open_timeout_s: ["openTimeout", 1, 120], read_timeout_s: ["readTimeout", 1, 120],
};
const CHECKS = { enabled: "cameraEnabled", detect: "cameraDetect", fallen: "fallen", motion_gate: "motionGate", loop: "loop" };
const WORDS = { camera_id: "cameraId", name: "cameraName", source: "source", transport: "transport", node: "cameraNode" };
const ID = /^[a-z0-9][a-z0-9-]{0,31}$/;

export const isId = (text) => ID.test(text);
export const wordOf = (name) => say(NUMBERS[name]?.[0] ?? CHECKS[name] ?? WORDS[name] ?? name);

export class CameraForm {
  // camera: as the API shows its settings; isNew: its id can be typed. changed(name): somebody typed.
  constructor(camera, { isNew, disabled, changed }) {
    this.camera = camera;
    const text = (most, options = {}) => make("input", { type: "text", maxlength: String(most), autocomplete: "off", spellcheck: "false", ...options });
    this.controls = {
      camera_id: text(32, { disabled: !isNew, autocapitalize: "none" }), name: text(100), node: text(63),
      transport: choice([["tcp", say("tcp")], ["udp", say("udp")]]),
      ...Object.fromEntries(Object.keys(CHECKS).map((name) => [name, make("input", { type: "checkbox" })])),
      ...Object.fromEntries(Object.entries(NUMBERS).map(([name, [, least, most]]) => [name, make("input", { type: "number", min: String(least), max: String(most), step: "any", inputmode: "decimal" })])),
    };
    this.address = text(2000, { inputmode: "url", autocapitalize: "none" });
    this.user = text(128, { autocapitalize: "none" });
    this.password = make("input", { type: "password", maxlength: "256", autocomplete: "new-password" });
    this.forget = make("input", { type: "checkbox" });
    this.stored = false;
    this.build();
    this.root.disabled = disabled;
    this.root.addEventListener("input", (event) => { this.clearFault(event.target); this.showParts(); changed(this.nameOf(event.target)); });
    this.address.addEventListener("change", () => this.hideLogin());
    for (const [name, value] of Object.entries(camera)) this.put(name, value);
    this.showParts();
  }

  build() {
    const { camera_id: id, name, transport, node } = this.controls;
    const number = (key) => this.fieldOf(key, field(wordOf(key), this.controls[key]));
    const check = (key) => make("label", { class: "check", data: { field: key } }, this.controls[key], wordOf(key));
    this.forgetLine = make("label", { class: "check wide" }, this.forget, say("forgetLogin"));
    this.loginPart = make("fieldset", { class: "login" }, make("legend", { text: say("login") }),
      field(say("loginUser"), this.user), field(say("loginPassword"), this.password), this.forgetLine);
    this.transportField = this.fieldOf("transport", field(wordOf("transport"), transport));
    this.loopLine = check("loop");
    const rest = ["unmonitored_after_s", "degraded_after_s", "max_frame_age_s", "open_timeout_s", "read_timeout_s"].map(number);
    this.root = make("fieldset", { class: "camera-form" },
      this.fieldOf("camera_id", field(wordOf("camera_id"), id, id.disabled ? "" : say("cameraIdHint"))), this.fieldOf("name", field(wordOf("name"), name, say("nameHint"))),
      this.fieldOf("source", field(wordOf("source"), this.address, say("sourceHint")), "wide"), this.loginPart, this.transportField, number("detect_fps"),
      make("div", { class: "check-list wide" }, this.loopLine, ...["enabled", "detect", "fallen", "motion_gate"].map(check)),
      make("details", { class: "wide" }, make("summary", { text: say("more_settings") }), make("div", { class: "camera-form" }, this.fieldOf("node", field(wordOf("node"), node)), ...rest)));
  }

  fieldOf(name, made, extra = "") {
    made.dataset.field = name;
    if (extra) made.classList.add(extra);
    return made;
  }

  nameOf(control) {
    if ([this.address, this.user, this.password, this.forget].includes(control)) return "source";
    return Object.keys(this.controls).find((name) => this.controls[name] === control) ?? "";
  }

  put(name, value) {
    if (name === "source") return this.putSource(value);
    const control = this.controls[name];
    if (!control) return undefined;
    if (control.type === "checkbox") control.checked = value;
    else control.value = String(value);
    return undefined;
  }

  putSource(source) {
    const { address, user, password, stored } = takeApart(source);
    this.address.value = address;
    this.user.value = user;
    this.password.value = password;
    this.forget.checked = false;
    this.stored = stored;
    this.showParts();
  }

  // Whoever pastes an address with its login sees the password no longer than that.
  hideLogin() {
    const pasted = this.address.value.trim();
    const { stored } = this;
    if (takeApart(pasted).address === pasted) return;
    this.putSource(pasted);
    this.stored ||= stored;
    this.showParts();
  }

  // Only what this kind of source has.
  showParts() {
    const address = this.address.value;
    this.loginPart.hidden = !isNetwork(address);
    this.transportField.hidden = !isRtsp(address);
    this.loopLine.hidden = !isFile(address);
    this.forgetLine.hidden = !this.stored;
    this.password.placeholder = this.stored && !this.forget.checked ? say("loginStored") : "";
  }

  // All settings of the fields, as the API takes them.
  values() {
    const made = {};
    for (const [name, control] of Object.entries(this.controls)) {
      if (control.type === "checkbox") made[name] = control.checked;
      else made[name] = control.type === "number" ? Number(control.value) : control.value.trim();
    }
    const parts = { address: this.address.value.trim(), user: this.user.value.trim(), password: this.password.value, stored: this.stored && !this.forget.checked };
    return { ...made, source: putTogether(parts) };
  }

  // What can be seen here already; the server looks again. -> whether all is well
  check({ withId = true } = {}) {
    this.root.querySelectorAll("[aria-invalid]").forEach((control) => this.clearFault(control));
    if (withId && !this.controls.camera_id.disabled && !isId(this.controls.camera_id.value.trim())) this.fault("camera_id", say("wrongId"));
    if (!this.address.value.trim()) this.fault("source", say("wrongSource"));
    else if (this.password.value && !this.user.value.trim()) this.fault("source", say("wrongUser"), this.user);
    for (const [name, [, least, most]] of Object.entries(NUMBERS)) {
      const { value } = this.controls[name];
      if (value === "" || !(Number(value) >= least && Number(value) <= most)) this.fault(name, say("wrongNumber", { least, most }));
    }
    const first = this.root.querySelector("[aria-invalid]");
    first?.focus();
    return !first;
  }

  // -> whether there is such a field
  fault(name, text, control = name === "source" ? this.address : this.controls[name]) {
    if (!control) return false;
    control.closest("details")?.setAttribute("open", "");
    const said = make("p", { class: "form-said", id: `${control.id}-fault`, text });
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", said.id);
    control.after(said);
    return true;
  }

  clearFault(control) {
    if (!control.hasAttribute("aria-invalid")) return;
    document.getElementById(`${control.id}-fault`)?.remove();
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
  }
}
