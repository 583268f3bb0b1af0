// Zones and privacy masks of one camera: the list, and the drawing of one of them on the picture.

import { ask, getJson, sayProblem } from "./api.js";
import { cameras } from "./cameras.js";
import { whoChanged } from "./conflict.js";
import { button, make } from "./dom.js";
import { PolygonEditor, sayFault, toolButtons } from "./polygon_editor.js";
import { may } from "./session.js";
import { sayDuration, sayTime } from "./times.js";
import { say, sayType } from "./words.js";
import { zoneConflict } from "./zone_conflict.js";
import { ZoneForm } from "./zone_form.js";
import "./words_camera.js";
import "./words_setup.js";

const DRY_RUN_MS = 30000;

export class CameraShapes {
  // stage: the element over whose picture is drawn; drawing(bool): while it is, the picture shows no zones of its own
  constructor(cameraId, stage, drawing) {
    Object.assign(this, { cameraId, stage, drawing, zones: [], masks: [], editor: null, file: "", settingsTag: null });
    this.base = `/api/v1/cameras/${encodeURIComponent(cameraId)}`;
    this.said = make("p", { class: "said-line", role: "status" });
    this.list = make("div");
    this.panel = make("div");
    this.root = make("section", { class: "panel", "aria-label": say("zones") }, this.panel, this.list, this.said);
  }

  get declared() { return cameras.report(this.cameraId)?.managed === "config"; }

  get mayChange() { return may("admin") && !this.declared; }

  async load() {
    const [zones, settings] = await Promise.all([getJson(`${this.base}/zones`), may("operator") ? getJson(`${this.base}/settings`) : null]);
    if (zones.ok) {
      this.zones = zones.content.zones;
      this.file = zones.content.declared_in ?? "";
      this.zonesTag = zones.etag ?? `"${zones.content.revision}"`;
      cameras.noteZones(this.cameraId, this.zones);
    }
    this.masks = settings?.ok ? settings.content.camera.privacy_masks ?? [] : [];
    this.settingsTag = settings?.ok ? settings.etag ?? `"${settings.content.revision}"` : null;
    if (!zones.ok) this.said.textContent = `${say("shownOnly")} ${sayProblem(zones)}`;
    this.showList();
  }

  showList() {
    const declared = this.declared ? make("p", { class: "hint declared", text: say("declared", { file: this.file || say("declaredSomewhere") }) }) : null;
    const change = this.mayChange && !this.editor;
    this.list.replaceChildren(make("h2", { text: say("zones") }), ...[declared].filter(Boolean),
      this.zones.length ? make("ul", { class: "shapes" }, ...this.zones.map((zone) => this.zoneLine(zone, change))) : make("p", { class: "hint", text: say("noZones") }),
      ...(change ? [button(say("newZone"), () => this.edit({ zone: null }), "button primary")] : []),
      ...this.maskPart(change));
  }

  maskPart(change) {
    if (this.settingsTag === null) return [];
    return [make("h2", { text: say("masks") }),
      this.masks.length ? make("ul", { class: "shapes" }, ...this.masks.map((_, index) => this.maskLine(index, change))) : make("p", { class: "hint", text: say("noMasks") }),
      ...(change ? [button(say("newMask"), () => this.edit({ mask: this.masks.length }))] : [])];
  }

  zoneLine(zone, change) {
    const line = make("li", { data: { kind: zone.kind, zone: zone.zone_id } }, make("span", { class: "swatch", "aria-hidden": "true" }),
      make("span", { class: "grow" }, make("strong", { text: zone.name || zone.zone_id }), make("span", { class: "soft", text: ` ${zone.zone_id} · ${say(`${zone.kind}Kind`)}` })));
    if (change) line.append(button(say("edit"), () => this.edit({ zone })), this.deleter(() => this.removeZone(zone)));
    return line;
  }

  maskLine(index, change) {
    const line = make("li", { data: { kind: "mask" } }, make("span", { class: "swatch", "aria-hidden": "true" }), make("span", { class: "grow", text: say("mask", { n: index + 1 }) }));
    if (change) line.append(button(say("edit"), () => this.edit({ mask: index })), this.deleter(async () => this.done(await this.sendMasks(this.masks.filter((_, other) => other !== index)), "saved")));
    return line;
  }

  // Asks once more, in the same place.
  deleter(work) {
    const made = button(say("remove"), () => {
      if (made.dataset.sure) return work();
      made.dataset.sure = "yes";
      made.textContent = say("confirmDelete");
      return undefined;
    }, "button danger");
    return made;
  }

  // what: {zone} (null: a new one) or {mask: index} (one behind the last: a new one)
  edit(what) {
    this.close();
    this.what = what;
    const isMask = what.mask !== undefined;
    const own = isMask ? this.masks[what.mask] : what.zone?.polygon;
    this.original = own ?? null;
    this.form = isMask ? null : new ZoneForm(what.zone, () => this.showWorth());
    this.drawing(true);
    this.editor = new PolygonEditor(this.stage, { polygon: own ?? [], kind: isMask ? "mask" : this.form.kind.value, others: this.others(), changed: () => this.showWorth() });
    this.showPanel(isMask);
    this.showList();
    this.showWorth();
    this.panel.querySelector("h2").focus();
  }

  // What else is on the picture while one shape is drawn.
  others() {
    const { zone, mask } = this.what;
    return [...this.zones.filter((other) => other.zone_id !== zone?.zone_id), ...this.masks.filter((_, index) => index !== mask).map((polygon) => ({ polygon, kind: "mask" }))];
  }

  showPanel(isMask) {
    this.tools = toolButtons(this.editor);
    this.worth = make("p", { class: "worth", role: "status" });
    this.result = make("div", { class: "dry-run", role: "status" });
    this.conflict = make("div");
    this.saveButton = button(say("save"), () => this.save(), "button primary");
    this.dryButton = button(say("dryRun"), () => this.dryRun());
    const named = isMask ? say("masks") : this.what.zone?.name || this.what.zone?.zone_id;
    const what = named ? say("editorOf", { what: named }) : say("newZone");
    this.said.textContent = "";
    this.panel.replaceChildren(make("h2", { text: what, tabindex: "-1" }), make("p", { class: "hint", text: say("drawHint") }),
      this.tools.row, this.worth, ...(this.form ? [this.form.root] : []), this.conflict,
      make("div", { class: "row" }, this.saveButton, ...(isMask ? [] : [this.dryButton]), button(say("cancel"), () => { this.close(); this.showList(); })), this.result);
  }

  showWorth() {
    if (!this.editor || !this.worth) return;
    const { fault } = this.editor;
    if (this.form && this.form.kind.value !== this.editor.kind) this.editor.setKind(this.form.kind.value);
    const text = sayFault(fault);
    if (this.worth.textContent !== text) this.worth.textContent = text; // else a screen reader would say it again and again
    this.worth.dataset.faulty = String(fault !== null);
    this.saveButton.disabled = fault !== null;
    this.dryButton.disabled = this.editor.fault !== null;
    this.tools.refresh();
  }

  async save(isAgain = false) {
    this.saveButton.disabled = true;
    const answer = await (this.form ? this.sendZone() : this.sendMask());
    if (answer.status === 412 && this.editor) return this.overtaken(isAgain);
    return this.done(answer, "saved");
  }

  sendZone() {
    const zone = this.form.values(this.editor.points);
    const path = this.what.zone ? `${this.base}/zones/${encodeURIComponent(zone.zone_id)}` : `${this.base}/zones`;
    return ask(path, { method: this.what.zone ? "PUT" : "POST", body: zone, ifMatch: this.zonesTag });
  }

  sendMask() {
    const at = this.what.mask;
    return this.sendMasks([...this.masks.slice(0, at), this.editor.points, ...this.masks.slice(at + 1)]);
  }

  sendMasks(masks) { return ask(this.base, { method: "PATCH", body: { privacy_masks: masks }, ifMatch: this.settingsTag }); }

  // Another change of the camera came first. If it was none of this shape, this one is saved after it; else the person decides.
  async overtaken(isAgain) {
    const [who] = await Promise.all([whoChanged(this.cameraId), this.load()]);
    if (!this.editor) return undefined;
    const isAsked = this.form ? this.zoneOvertaken(who) : this.maskOvertaken(who);
    this.showWorth();
    if (!isAsked && !isAgain) return this.save(true);
    if (!isAsked) this.tell(say("newerRevision"), false);
    return undefined;
  }

  // -> whether there is something to decide
  zoneOvertaken(who) {
    const base = this.what.zone;
    const theirs = base && this.zones.find((zone) => zone.zone_id === base.zone_id);
    this.what = { zone: theirs ?? null };
    this.editor.setOthers(this.others());
    if (base && !theirs) this.tell(say("goneMeanwhile", { who }), false);
    if (!theirs) return Boolean(base);
    const asked = zoneConflict({ who, base, theirs, form: this.form, editor: this.editor });
    if (asked) this.conflict.replaceChildren(asked);
    asked?.querySelector("h3").focus();
    return Boolean(asked);
  }

  // By what it was and not by its place: somebody else may have drawn or removed one meanwhile.
  maskOvertaken(who) {
    const at = this.original ? this.masks.findIndex((mask) => JSON.stringify(mask) === JSON.stringify(this.original)) : -1;
    this.what = { mask: at < 0 ? this.masks.length : at };
    this.editor.setOthers(this.others());
    const isGone = this.original !== null && at < 0;
    if (isGone) this.tell(say("maskChanged", { who }), false);
    if (isGone) this.original = null;
    return isGone;
  }

  async removeZone(zone) {
    return this.done(await ask(`${this.base}/zones/${encodeURIComponent(zone.zone_id)}`, { method: "DELETE", ifMatch: this.zonesTag }), "removed");
  }

  // What was drawn stays when it could not be saved.
  async done(answer, word) {
    if (answer.ok) this.close();
    await (answer.ok || answer.status === 412 ? this.load() : null);
    this.tell(answer.ok ? say(word) : answer.status === 412 ? say("newerRevision") : sayProblem(answer), answer.ok);
    if (!answer.ok) this.showWorth();
  }

  tell(text, isWell) {
    this.said.textContent = text;
    this.said.dataset.well = String(isWell);
  }

  async dryRun() {
    this.dryButton.disabled = true;
    this.result.replaceChildren(make("p", { text: say("loading") }));
    const zone = this.form.values(this.editor.points);
    const answer = await ask(`${this.base}/zones/dry-run`, { method: "POST", body: { zone }, deadlineMs: DRY_RUN_MS });
    this.result.replaceChildren(...(answer.ok ? dryRunResult(answer.content) : [make("p", { class: "form-said", text: sayProblem(answer) })]));
    this.showWorth();
  }

  close() {
    this.editor?.close();
    this.editor = this.form = this.worth = null;
    this.panel.replaceChildren();
    this.drawing(false);
  }
}

function dryRunResult({ events, counts, watched_s: watched }) {
  const values = { t: sayDuration(watched), n: events.length };
  if (!events.length) return [make("p", { class: "said-well", text: say("dryNone", values) })];
  const lines = events.slice(0, 8).map((event) => make("li", { text: `${sayTime(event.opened_at)} ${sayType(event.event_type)} · ${say(event.severity)}` }));
  const byType = Object.entries(counts).map(([type, count]) => `${sayType(type)} ${count}`).join(", ");
  return [make("p", { text: `${say("dryCounts", values)} ${byType}` }), make("ul", {}, ...lines)];
}
