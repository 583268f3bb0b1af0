// All cameras: how they are, who manages them, and the way to their settings.

import { addressOf } from "./address.js";
import { cameras } from "./cameras.js";
import { make } from "./dom.js";
import { sayPlainly } from "./reasons.js";
import { may } from "./session.js";
import { say } from "./words.js";
import "./words_camera.js";
import "./words_live.js";
import "./words_setup.js";

export class CameraListView {
  mount(parent, query) {
    this.list = make("ul", { class: "camera-list" });
    this.empty = make("p", { class: "empty" });
    this.said = make("p", { class: "said-line", role: "status", data: { well: true }, text: query.deleted ? say("cameraDeleted", { id: query.deleted }) : "" });
    const add = may("admin") ? make("a", { class: "button primary", href: addressOf("setup"), text: say("addCamera") }) : null;
    parent.replaceChildren(make("div", { class: "page" }, make("div", { class: "page-head" }, make("h1", { text: say("viewCameras") }), add), this.said, this.list, this.empty));
    this.end = cameras.changed.add(() => this.show());
    this.show();
  }

  show() {
    const { reports } = cameras;
    this.empty.hidden = reports.length > 0;
    this.empty.textContent = say({ true: "noCameras", false: "noCameraList" }[cameras.listed] ?? "loading");
    const state = JSON.stringify(reports.map((one) => [one.camera_id, one.name, one.status, one.reason, one.source, one.managed]));
    if (state === this.shown) return; // the focus stays where it is
    this.shown = state;
    this.list.replaceChildren(...reports.map(line));
  }

  unmount() { this.end(); }
}

function line(report) {
  const reason = sayPlainly(report.reason) || report.reason;
  return make("li", { data: { camera: report.camera_id, status: report.status } },
    make("div", { class: "camera-line" }, make("h2", {}, make("a", { href: addressOf("cameras", report.camera_id), text: report.name || report.camera_id })),
      make("p", { class: "soft", text: [report.camera_id, report.source, say(`managed_${report.managed}`)].filter(Boolean).join(" · ") }),
      reason ? make("p", { class: "camera-why", text: reason, title: report.reason }) : null),
    make("span", { class: "count", data: { status: report.status }, text: say(report.status) }),
    make("a", { class: "button", href: addressOf("setup", report.camera_id), text: say("cameraSettings"), "aria-label": `${say("cameraSettings")}: ${report.name || report.camera_id}` }));
}
