// One camera on the page, with its own socket. Without a live frame it shows a card, never its last frame.

import { addressOf } from "./address.js";
import { element, make } from "./dom.js";
import { feed } from "./feed.js";
import { Reconnecting } from "./live.js";
import { drawBoxes, drawZones, readFrame } from "./picture.js";
import { sayPlainly } from "./reasons.js";
import { sayTime } from "./times.js";
import { say } from "./words.js";
import "./words_live.js";

const SILENT_AFTER_MS = 10000;
const OLD_INFERENCE_S = 5;
const STALE_AFTER_MS = 5000;
const HAS_A_CAUSE = ["LOST", "WAITING", "PAUSED"]; // what this page says of itself, not of the camera

export class Tile {
  constructor(cameraId, parent, { profile = "wall", fps = 10, drawsZones = true, showsHead = true } = {}) {
    Object.assign(this, { cameraId, drawsZones, showsHead });
    this.path = `/api/v1/cameras/${encodeURIComponent(cameraId)}/live?profile=${profile}&fps=${fps}`;
    this.report = null;
    this.reportedAt = performance.now();
    this.header = null;
    this.blindings = 0;
    this.shownAt = [];
    this.socket = null;
    this.build(parent);
    this.goBlind(null, "PAUSED");
  }

  build(parent) {
    this.root = element("article", "tile", parent);
    this.root.dataset.camera = this.cameraId;
    const head = element("header", "tile-head", this.root);
    head.hidden = !this.showsHead;
    element("span", "dot", head).setAttribute("aria-hidden", "true");
    this.name = make("a", { href: addressOf("cameras", this.cameraId) });
    head.append(make("h2", { class: "tile-name" }, this.name));
    this.status = element("span", "tile-status", head);
    this.figures = element("span", "tile-figures", head);
    this.stage = element("div", "stage", this.root);
    this.canvas = element("canvas", "picture", this.stage);
    this.canvas.setAttribute("role", "img");
    this.buildCard();
    this.banner = element("p", "banner", this.stage);
  }

  buildCard() {
    this.card = element("div", "card", this.stage);
    this.cardTitle = element("p", "card-title", this.card);
    this.cardOther = element("p", "card-other", this.card);
    this.cardReason = element("p", "card-reason", this.card);
    this.cardSince = element("p", "card-since", this.card);
    this.cardDetail = element("p", "card-detail", this.card);
    this.cardNote = element("p", "card-note", this.card);
  }

  // Nobody looks at a tile that is out of sight: it takes no picture then, and shows none when it comes back.
  setVisible(visible) {
    if (visible === Boolean(this.socket)) return;
    if (visible) {
      this.goBlind(null, "WAITING");
      const on = { message: (data, answer) => this.receive(data, answer), down: () => this.goBlind(null, "LOST") };
      this.socket = new Reconnecting(() => this.path, on, SILENT_AFTER_MS);
    } else {
      this.socket.stop();
      this.socket = null;
      this.goBlind(null, "PAUSED");
    }
  }

  receive(data, answer) {
    let frame;
    try {
      frame = readFrame(data);
    } catch {
      return this.goBlind(null, "LOST");
    }
    const done = () => answer({ ack: frame.header.sequence });
    if (!frame.jpeg.length) {
      this.goBlind(frame.header);
      return done();
    }
    const blindings = this.blindings;
    return createImageBitmap(new Blob([frame.jpeg], { type: "image/jpeg" })).then(
      // What was decoded while the camera or the connection went is not shown any more.
      (bitmap) => (blindings === this.blindings ? this.show(frame.header, bitmap) : bitmap.close()),
      () => this.goBlind({ ...frame.header, status: "UNMONITORED", reason: say("unreadable") }),
    ).finally(done);
  }

  show(header, bitmap) {
    // Pictures are decoded beside each other: an older one that is ready later is not shown.
    const last = this.header;
    if (last && (header.epoch < last.epoch || (header.epoch === last.epoch && header.sequence < last.sequence))) return bitmap.close();
    if (!last || header.boxes_sequence !== last.boxes_sequence) this.inferredAt = performance.now();
    this.header = header;
    this.canvas.width = bitmap.width;
    this.canvas.height = bitmap.height;
    const pen = this.canvas.getContext("2d");
    pen.drawImage(bitmap, 0, 0);
    bitmap.close();
    if (this.drawsZones) drawZones(pen, header.zones);
    drawBoxes(pen, header.boxes);
    this.pictureAt = performance.now();
    this.shownAt.push(this.pictureAt);
    return this.refresh();
  }

  // Without a header it is this page itself that has no picture, which is another thing than a camera that is blind.
  goBlind(header, status = "LOST") {
    this.blindings += 1;
    this.header = header ?? { status, reason: "", time: new Date().toISOString(), zones: [], boxes: [] };
    if (this.header.status === "MONITORED" || this.header.status === "DEGRADED") this.header.status = "UNMONITORED";
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.canvas.width = this.canvas.width; // forgets every pixel
    this.shownAt = [];
    this.inferredAt = undefined;
    this.refresh();
  }

  update(report) {
    this.report = report;
    this.reportedAt = performance.now();
    this.refresh();
  }

  refresh() {
    const { status, reason, zones } = this.header;
    const live = status === "MONITORED" || status === "DEGRADED";
    const occupied = zones.some((zone) => zone.occupied && zone.kind === "danger");
    this.root.dataset.status = status;
    this.root.dataset.live = String(live);
    this.root.classList.toggle("alarm", occupied || feed.criticalOf(this.cameraId).length > 0);
    this.root.classList.toggle("unanswered", feed.criticalOf(this.cameraId).some((event) => !event.acknowledged));
    this.name.textContent = this.report?.name || this.cameraId;
    this.status.textContent = say(status);
    this.figures.textContent = this.sayFigures(live);
    this.canvas.setAttribute("aria-label", `${this.name.textContent}: ${say(status)}`);
    // The connection may be dead before anybody has noticed: an old picture is shown as one.
    const old = live ? performance.now() - this.pictureAt : 0;
    this.root.classList.toggle("stale", old > STALE_AFTER_MS);
    const degraded = status === "DEGRADED" ? `${say("noDetection")}${reason ? ` (${sayPlainly(reason) || reason})` : ""}` : "";
    this.banner.textContent = old > STALE_AFTER_MS ? say("stale", { s: Math.round(old / 1000) }) : degraded;
    this.card.hidden = live;
    if (!live) this.fillCard(status, reason);
  }

  // Korean and English together: who stands before the screen may read either.
  fillCard(status, reason) {
    const ownCause = HAS_A_CAUSE.includes(status);
    this.cardTitle.textContent = say(status, {}, "ko");
    this.cardOther.textContent = ownCause ? say(status, {}, "en") : status;
    this.cardReason.textContent = status === "LOST" ? both(say("pageBlind", {}, "ko"), say("pageBlind", {}, "en")) : both(sayPlainly(reason, "ko"), sayPlainly(reason, "en"));
    this.cardDetail.textContent = reason; // who mends it wants the exact words
    const since = this.report && this.report.status === status ? this.report.since : this.header.time;
    this.cardSince.textContent = status === "WAITING" || status === "PAUSED" ? "" : say("since", { t: sayTime(since) });
    const unsafe = status === "UNMONITORED" || status === "LOST";
    this.cardNote.textContent = unsafe ? both(say("notSafe", {}, "ko"), say("notSafe", {}, "en")) : "";
  }

  sayFigures(live) {
    const now = performance.now();
    this.shownAt = this.shownAt.filter((shown) => now - shown < 3000);
    const figures = live ? [say("fps", { n: (this.shownAt.length / 3).toFixed(0) })] : [];
    const aged = this.inferenceAge(live, now);
    this.figures.classList.toggle("old", aged === null || aged > OLD_INFERENCE_S);
    figures.push(aged === null ? say("neverLooked") : say("lastLooked", { s: aged.toFixed(aged < 10 ? 1 : 0) }));
    return figures.join(" · ");
  }

  // Seconds: what the list said and the time since, or less if a live picture came with newer boxes. null: never.
  inferenceAge(live, now) {
    const listed = this.report?.inference_age_s;
    if (listed === null || listed === undefined) return null;
    const aged = listed + (now - this.reportedAt) / 1000;
    const seen = live && this.header.status === "MONITORED" && this.inferredAt !== undefined;
    return seen ? Math.min(aged, (now - this.inferredAt) / 1000) : aged;
  }

  remove() {
    this.socket?.stop();
    this.socket = null;
    this.root.remove();
  }
}

const both = (korean, english) => [korean, english].filter(Boolean).join("\n");
