// The settings of one camera, or of a new one: its source is tried, saved, changed, and the camera deleted.

import { addressOf } from "./address.js";
import { ask, getJson, sayProblem } from "./api.js";
import { takeApart } from "./camera_address.js";
import { CameraDelete } from "./camera_delete.js";
import { CameraForm, isId, NEW, wordOf } from "./camera_form.js";
import { CameraSwitches } from "./camera_switches.js";
import { cameras } from "./cameras.js";
import { conflictPanel, differences, sayValue, whoChanged } from "./conflict.js";
import { button, make } from "./dom.js";
import { may } from "./session.js";
import { SourceTrial } from "./source_trial.js";
import { Tile } from "./tile.js";
import { say } from "./words.js";
import "./words_camera.js";
import "./words_setup.js";

const KEEPS_PASSWORD = "keeps the password of the same server"; // so the server says that *** is of no use there

export class CameraSetupView {
  mount(parent, query, id) {
    this.parent = parent;
    this.cameraId = id;
    this.known = null; // {camera, managed, declared_in, etag} as last read
    this.base = `/api/v1/cameras/${encodeURIComponent(id)}`;
    this.ends = [];
    if (!id) this.show({ camera: NEW, managed: "api", etag: null });
    else this.load(query);
  }

  async load(query) {
    this.parent.replaceChildren(make("p", { class: "empty", text: say("loading") }));
    const known = await this.read();
    if (!known || this.over) return;
    this.show(known);
    if (query.added) this.say(say("cameraAdded"), true);
  }

  async read() {
    const answer = await getJson(`${this.base}/settings`);
    if (answer.ok) return { ...answer.content, etag: answer.etag ?? `"${answer.content.revision}"` };
    if (!this.known && !this.over) this.parent.replaceChildren(make("p", { class: "empty", role: "alert", text: answer.status === 404 ? say("unknownCamera") : sayProblem(answer) }));
    else this.say(sayProblem(answer), false);
    return null;
  }

  get isNew() { return this.cameraId === ""; }

  get mayChange() { return may("admin") && this.known.managed === "api"; }

  show(known, values = known.camera) {
    this.known = known;
    this.form = new CameraForm({ ...known.camera, ...values }, { isNew: this.isNew, disabled: !this.mayChange, changed: (name) => { if (name === "source" || name === "transport") this.trial?.forget(); } });
    this.trial = this.mayChange ? new SourceTrial(() => (this.form.check({ withId: false }) ? this.tried() : null)) : null;
    this.said = make("p", { class: "said-line", role: "status" });
    this.conflict = make("div");
    this.save = button(say(this.isNew ? "addCamera" : "save"), () => this.send(), "button primary");
    const title = this.isNew ? say("addCamera") : `${known.camera.name || this.cameraId} · ${say("cameraSettings")}`;
    const links = make("div", { class: "row" }, this.isNew ? null : make("a", { href: addressOf("cameras", this.cameraId), text: say("drawZones") }), make("a", { href: addressOf("cameras"), text: say("backToList") }));
    this.parent.replaceChildren(make("div", { class: "page setup-page" }, make("div", { class: "page-head" }, make("h1", { text: title }), links),
      make("div", { class: "setup-columns" },
        make("form", { class: "panel", onsubmit: (event) => { event.preventDefault(); this.send(); } }, this.standing(), this.form.root, this.conflict, ...(this.mayChange ? [make("div", { class: "row" }, this.save)] : []), this.said),
        make("div", { class: "camera-side" }, ...this.side()))));
  }

  // Why nothing can be changed here, if so.
  standing() {
    if (this.known.managed === "config") return make("p", { class: "declared", text: say("declaredCamera", { file: this.known.declared_in || say("declaredSomewhere") }) });
    return this.mayChange ? null : make("p", { class: "declared", text: say("readOnly") });
  }

  side() {
    this.endTile();
    const parts = this.trial ? [this.trial.root] : [];
    if (this.isNew) return parts;
    const live = make("div");
    this.tile = new Tile(this.cameraId, live);
    this.tile.setVisible(true);
    const onHidden = () => this.tile?.setVisible(!document.hidden);
    document.addEventListener("visibilitychange", onHidden);
    this.ends.push(cameras.changed.add(() => this.showReport()), () => document.removeEventListener("visibilitychange", onHidden));
    this.showReport();
    const switches = new CameraSwitches(this.cameraId);
    switches.load();
    const remove = new CameraDelete(this.cameraId, { known: () => this.known, gone: () => this.leave(), overtaken: () => this.overtaken(false) });
    return [live, ...parts, switches.root, ...(this.mayChange ? [remove.root] : [])];
  }

  showReport() {
    const report = cameras.report(this.cameraId);
    if (report) this.tile.update(report);
  }

  // What the fields say, with what they do not show: masks count in the picture of a trial.
  wanted() { return { ...this.form.values(), privacy_masks: this.known.camera.privacy_masks ?? [] }; }

  // A source can be tried before the camera has an id.
  tried() {
    const { camera_id: id, ...rest } = this.wanted();
    return isId(id) ? { camera_id: id, ...rest } : rest;
  }

  changes() {
    const values = this.form.values();
    return Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== this.known.camera[name]));
  }

  async send(isAgain = false) {
    if (!this.mayChange || this.save.disabled || !this.form.check()) return undefined;
    const changes = this.changes();
    if (!this.isNew && !Object.keys(changes).length) return this.say(say("noChange"), true);
    this.save.disabled = true;
    const answer = this.isNew ? await ask("/api/v1/cameras", { method: "POST", body: this.wanted() }) : await ask(this.base, { method: "PATCH", body: changes, ifMatch: this.known.etag });
    this.save.disabled = false;
    if (this.over) return undefined;
    if (answer.status === 412 && !isAgain) return this.overtaken(true);
    return answer.ok ? this.saved(answer) : this.refused(answer);
  }

  async saved(answer) {
    cameras.load();
    if (this.isNew) {
      location.hash = addressOf("setup", answer.content.camera.camera_id, { added: 1 });
      return;
    }
    this.show({ ...answer.content, etag: answer.etag ?? `"${answer.content.revision}"` });
    this.say(say("cameraSaved"), true);
    this.save.focus();
  }

  refused(answer) {
    const { field: name, reason } = answer.content ?? {};
    const words = reason?.includes(KEEPS_PASSWORD) ? say("retypePassword") : reason;
    if (this.isNew && answer.status === 409) this.form.fault("camera_id", say("idTaken"));
    else if (!(answer.status === 400 && name && this.form.fault(name, words))) return this.say(sayProblem(answer), false);
    this.form.root.querySelector("[aria-invalid]")?.focus();
    return this.say(say("someWrong"), false);
  }

  // Theirs is loaded and nothing that was typed is lost: the person chooses field by field.
  async overtaken(isSaving) {
    const values = this.form.values();
    const [theirs, who] = await Promise.all([this.read(), whoChanged(this.cameraId)]);
    if (!theirs || this.over) return undefined;
    const rows = differences(this.known.camera, values, theirs.camera, Object.keys(values));
    this.known = theirs;
    const choose = ({ name, yours, theirs: other }, side) => this.form.put(name, side === "yours" ? yours : other);
    rows.forEach((row) => choose(row, row.take));
    if (!rows.length) return isSaving ? this.send(true) : undefined; // it was something else of the camera, its zones say
    this.conflict.replaceChildren(conflictPanel({ who, rows, wordOf, sayValue: (name, value) => (name === "source" ? saySource(value) : sayValue(value)), choose }));
    this.say("", false);
    return this.conflict.querySelector("h3").focus();
  }

  say(text, well) {
    this.said.textContent = text;
    this.said.dataset.well = String(well);
  }

  leave() {
    cameras.load();
    location.hash = addressOf("cameras", "", { deleted: this.cameraId });
  }

  tick() { this.tile?.refresh(); }

  // In the other language, with what was typed.
  relabel() { if (this.form) this.show(this.known, this.form.values()); }

  endTile() {
    this.ends.splice(0).forEach((end) => end());
    this.tile?.remove();
    this.tile = null;
  }

  unmount() {
    this.over = true;
    this.endTile();
  }
}

// Without the password that somebody has typed.
function saySource(source) {
  const { address, user, stored } = takeApart(source);
  return user || stored ? `${address} (${say("login")}: ${user || "***"})` : address;
}
