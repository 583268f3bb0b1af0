// One camera: its picture in large, its zones and masks drawn on it, its switches, and what happened there.

import { addressOf } from "./address.js";
import { getJson } from "./api.js";
import { CameraShapes } from "./camera_shapes.js";
import { CameraSwitches } from "./camera_switches.js";
import { cameras } from "./cameras.js";
import { make } from "./dom.js";
import { detail } from "./event_detail.js";
import { Item } from "./event_list.js";
import { feed } from "./feed.js";
import { may } from "./session.js";
import { Tile } from "./tile.js";
import { say } from "./words.js";
import "./words_camera.js";
import "./words_setup.js";

const LAST_EVENTS = 8;

export class CameraView {
  mount(parent, query, id) {
    this.cameraId = id;
    this.items = new Map();
    this.title = make("h1");
    this.unknown = make("p", { class: "empty", text: say("unknownCamera"), hidden: true });
    const large = make("div", { class: "large" });
    this.side = make("div", { class: "camera-side" });
    parent.replaceChildren(make("div", { class: "page camera-page" },
      make("div", { class: "page-head" }, this.title, make("div", { class: "row" },
        may("operator") ? make("a", { href: addressOf("setup", id), text: say("cameraSettings") }) : null, make("a", { href: addressOf("live"), text: say("backToWall") }))), this.unknown,
      make("div", { class: "camera-columns" }, large, this.side)));
    this.tile = new Tile(id, large, { profile: "full" });
    this.shapes = new CameraShapes(id, this.tile.stage, (isDrawing) => this.setDrawing(isDrawing));
    this.switches = new CameraSwitches(id);
    this.events = make("ol", { class: "events" });
    this.noEvents = make("p", { class: "hint", text: say("noEvents") });
    this.side.append(this.shapes.root, this.switches.root, make("section", { class: "panel", "aria-label": say("recentEvents") },
      make("h2", { text: say("recentEvents") }), this.events, this.noEvents,
      make("a", { href: addressOf("events", "", { camera_id: id }), text: say("viewEvents") })));
    this.ends = [cameras.changed.add(() => this.update()), feed.happened.add((event, isNews) => isNews && this.place(event))];
    this.onHidden = () => this.tile.setVisible(!document.hidden);
    document.addEventListener("visibilitychange", this.onHidden);
    this.tile.setVisible(true);
    this.update();
    this.load();
  }

  async load() {
    const answer = await getJson(`/api/v1/events?camera_id=${encodeURIComponent(this.cameraId)}&limit=${LAST_EVENTS}`);
    if (answer.ok) answer.content.events.forEach((event) => this.place(event));
    this.noEvents.hidden = this.items.size > 0;
    await Promise.all([this.shapes.load(), this.switches.load()]);
  }

  update() {
    const report = cameras.report(this.cameraId);
    this.title.textContent = cameras.nameOf(this.cameraId);
    this.unknown.hidden = !cameras.listed || report !== null;
    if (report) this.tile.update(report);
    if (report && this.managed !== report.managed) {
      this.managed = report.managed;
      this.shapes.showList();
    }
    const state = report ? `${report.status} ${report.reason}` : "";
    if (this.state !== state && !this.switches.asking) {
      this.state = state;
      this.switches.show();
    }
    this.fit();
  }

  // The stage has the picture's own shape, so that what is drawn on it lies where it is meant.
  fit() {
    const { width, height } = this.tile.header;
    const shape = width && height ? `${width} / ${height}` : "";
    if (shape && this.shape !== shape) {
      this.shape = shape;
      this.tile.stage.style.aspectRatio = shape;
    }
  }

  setDrawing(isDrawing) {
    this.tile.drawsZones = !isDrawing;
    this.tile.stage.classList.toggle("drawing", isDrawing);
  }

  place(event) {
    if (event.camera_id !== this.cameraId) return;
    let item = this.items.get(event.event_id);
    if (!item) {
      item = new Item((shown) => detail.open(shown));
      this.items.set(event.event_id, item);
      item.root.dataset.openedAt = event.opened_at;
      const later = [...this.events.children].find((other) => other.dataset.openedAt < event.opened_at);
      this.events.insertBefore(item.root, later ?? null);
      if (this.events.children.length > LAST_EVENTS) this.events.lastElementChild.remove();
    }
    item.fill(event);
    this.noEvents.hidden = true;
  }

  tick() {
    this.fit();
    this.tile.refresh();
  }

  unmount() {
    this.ends.forEach((end) => end());
    document.removeEventListener("visibilitychange", this.onHidden);
    this.shapes.close();
    this.tile.remove();
    if (detail.dialog?.open) detail.dialog.close();
  }
}
