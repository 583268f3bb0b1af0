// Deleting a camera: says what is lost and what stays, and asks for its id, because watching ends with it.

import { ask, getJson, sayProblem } from "./api.js";
import { button, field, make } from "./dom.js";
import { panel } from "./table.js";
import { say } from "./words.js";
import "./words_setup.js";

export class CameraDelete {
  // known(): {camera, etag} as last read; gone(): it is deleted; overtaken(): it was changed meanwhile
  constructor(cameraId, { known, gone, overtaken }) {
    Object.assign(this, { cameraId, known, gone, overtaken });
    this.ask = button(say("deleteAsk"), () => this.open(), "button danger");
    this.question = make("div", { class: "question", hidden: true });
    this.said = make("p", { class: "form-said", role: "alert" });
    this.root = panel(say("deleteCamera"), this.ask, this.question, this.said);
  }

  async open() {
    this.said.textContent = "";
    const open = await Promise.all(["open", "escalated"].map((state) => getJson(`/api/v1/events?camera_id=${encodeURIComponent(this.cameraId)}&state=${state}&limit=200`)));
    this.show(open.reduce((sum, answer) => sum + (answer.content?.events?.length ?? 0), 0));
  }

  show(openEvents) {
    const { camera } = this.known();
    const zones = camera.zones ?? [];
    const lines = [say("lostWatching"), zones.length ? say("lostZones", { n: zones.length, names: zones.map((zone) => zone.name || zone.zone_id).join(", ") }) : "",
      camera.privacy_masks?.length ? say("lostMasks", { n: camera.privacy_masks.length }) : "", say("lostSettings"), openEvents ? say("lostOpen", { n: openEvents }) : ""];
    const typed = make("input", { type: "text", autocomplete: "off", spellcheck: "false", autocapitalize: "none", oninput: () => { sure.disabled = typed.value.trim() !== this.cameraId; } });
    const sure = button(say("deleteSure", { id: this.cameraId }), () => this.remove(sure), "button danger");
    sure.disabled = true;
    const title = make("h3", { text: say("deleteLost"), tabindex: "-1" });
    this.question.replaceChildren(title, make("ul", { class: "lost" }, ...lines.filter(Boolean).map((text) => make("li", { text }))),
      make("p", { class: "hint", text: say("keptEvents") }), field(say("typeId", { id: this.cameraId }), typed),
      make("div", { class: "row" }, sure, button(say("cancel"), () => this.close())));
    this.question.hidden = false;
    this.ask.hidden = true;
    title.focus();
  }

  async remove(sure) {
    sure.disabled = true;
    const answer = await ask(`/api/v1/cameras/${encodeURIComponent(this.cameraId)}`, { method: "DELETE", ifMatch: this.known().etag });
    if (answer.ok) return this.gone();
    this.close();
    this.said.textContent = answer.status === 412 ? say("deleteChanged") : sayProblem(answer);
    return answer.status === 412 ? this.overtaken() : undefined;
  }

  close() {
    this.question.hidden = true;
    this.ask.hidden = false;
    this.ask.focus();
  }
}
