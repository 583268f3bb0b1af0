// The wall: one tile a camera, each with its own socket. A tile without a live frame shows a card, never its last frame.

import { Reconnecting } from "./live.js";
import { say, sayObject, sayTime } from "./words.js";

const FPS = 10;
const SILENT_AFTER_MS = 10000;
const OLD_INFERENCE_S = 5;
const COLOURS = { danger: "#ff5c5c", warning: "#ffb454", box: "#7cc7ff", fallen: "#ff5c5c", ink: "#0b1117" };

export function element(tag, className, parent) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (parent) parent.append(made);
  return made;
}

class Tile {
  constructor(cameraId, parent) {
    this.cameraId = cameraId;
    this.report = null;
    this.reportedAt = performance.now();
    this.header = null;
    this.criticalEvents = new Set();
    this.blindings = 0;
    this.shownAt = [];
    this.build(parent);
    const path = `/api/v1/cameras/${encodeURIComponent(cameraId)}/live?profile=wall&fps=${FPS}`;
    this.socket = new Reconnecting(() => path, {
      message: (data, answer) => this.receive(data, answer),
      down: () => this.goBlind(null),
    }, SILENT_AFTER_MS);
    this.goBlind(null);
  }

  build(parent) {
    this.root = element("article", "tile", parent);
    this.root.dataset.camera = this.cameraId;
    const head = element("header", "tile-head", this.root);
    element("span", "dot", head).setAttribute("aria-hidden", "true");
    this.name = element("h2", "tile-name", head);
    this.status = element("span", "tile-status", head);
    this.figures = element("span", "tile-figures", head);
    const stage = element("div", "stage", this.root);
    this.canvas = element("canvas", "picture", stage);
    this.canvas.setAttribute("role", "img");
    this.card = element("div", "card", stage);
    this.cardTitle = element("p", "card-title", this.card);
    this.cardOther = element("p", "card-other", this.card);
    this.cardReason = element("p", "card-reason", this.card);
    this.cardSince = element("p", "card-since", this.card);
    this.cardNote = element("p", "card-note", this.card);
    this.banner = element("p", "banner", stage);
  }

  receive(data, answer) {
    let header;
    let jpeg;
    try {
      const length = new DataView(data).getUint32(0);
      header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
      jpeg = new Uint8Array(data, 4 + length);
    } catch {
      return this.goBlind(null);
    }
    const done = () => answer({ ack: header.sequence });
    if (!jpeg.length) {
      this.goBlind(header);
      return done();
    }
    const blindings = this.blindings;
    return createImageBitmap(new Blob([jpeg], { type: "image/jpeg" })).then(
      // What was decoded while the camera or the connection went is not shown any more.
      (bitmap) => (blindings === this.blindings ? this.show(header, bitmap) : bitmap.close()), () => this.goBlind({ ...header, status: "UNMONITORED", reason: "unreadable picture" }),
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
    drawZones(pen, header.zones);
    drawBoxes(pen, header.boxes);
    this.shownAt.push(performance.now());
    return this.refresh();
  }

  goBlind(header) {
    // null: this page itself hears nothing, which is another thing than a camera that is blind.
    this.blindings += 1;
    this.header = header ?? { status: "LOST", reason: "", time: new Date().toISOString(), zones: [], boxes: [] };
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
    this.root.classList.toggle("alarm", occupied || this.criticalEvents.size > 0);
    this.name.textContent = this.report?.name || this.cameraId;
    this.status.textContent = say(status);
    this.figures.textContent = this.sayFigures(live);
    this.canvas.setAttribute("aria-label", `${this.name.textContent}: ${say(status)}`);
    this.banner.textContent = status === "DEGRADED" ? `${say("noDetection")}${reason ? ` (${reason})` : ""}` : "";
    this.card.hidden = live;
    if (!live) this.fillCard(status, reason);
  }

  fillCard(status, reason) {
    this.cardTitle.textContent = say(status, {}, "ko");
    this.cardOther.textContent = status === "LOST" ? say(status, {}, "en") : status;
    this.cardReason.textContent = status === "LOST" ? `${say("pageBlind", {}, "ko")}\n${say("pageBlind", {}, "en")}` : reason;
    const since = this.report && this.report.status === status ? this.report.since : this.header.time;
    this.cardSince.textContent = say("since", { t: sayTime(since) });
    const unsafe = status === "UNMONITORED" || status === "LOST";
    this.cardNote.textContent = unsafe ? `${say("notSafe", {}, "ko")}\n${say("notSafe", {}, "en")}` : "";
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
    this.socket.stop();
    this.root.remove();
  }
}

function drawZones(pen, zones) {
  const { width, height } = pen.canvas;
  for (const zone of zones) {
    const colour = COLOURS[zone.kind] ?? COLOURS.warning;
    pen.beginPath();
    zone.polygon.forEach(([x, y], index) => pen[index ? "lineTo" : "moveTo"](x * width, y * height));
    pen.closePath();
    pen.globalAlpha = zone.occupied ? 0.34 : 0.1;
    pen.fillStyle = colour;
    pen.fill();
    pen.globalAlpha = 1;
    pen.lineWidth = Math.max(2, width / (zone.occupied ? 160 : 320));
    pen.strokeStyle = colour;
    pen.stroke();
    const [x, y] = zone.polygon.reduce((top, point) => (point[1] < top[1] ? point : top));
    drawLabel(pen, zone.name || zone.zone_id, x * width, y * height, colour);
  }
}

function drawBoxes(pen, boxes) {
  const { width, height } = pen.canvas;
  for (const { label, confidence, box, track_id: track } of boxes) {
    const [left, top, right, bottom] = [box[0] * width, box[1] * height, box[2] * width, box[3] * height];
    const colour = label === "fallen_person" ? COLOURS.fallen : COLOURS.box;
    pen.lineWidth = Math.max(2, width / 320);
    pen.strokeStyle = colour;
    pen.strokeRect(left, top, right - left, bottom - top);
    const number = track === null ? "" : ` #${track}`;
    drawLabel(pen, `${sayObject(label)}${number} ${Math.round(confidence * 100)}%`, left, top, colour);
  }
}

function drawLabel(pen, text, x, y, colour) {
  const size = Math.max(11, pen.canvas.width / 46);
  pen.font = `600 ${size}px system-ui, "Noto Sans KR", "Malgun Gothic", sans-serif`;
  const wide = pen.measureText(text).width + size * 0.7;
  const left = Math.min(Math.max(0, x), Math.max(0, pen.canvas.width - wide));
  const top = y - size * 1.45 < 0 ? y : y - size * 1.45;
  pen.fillStyle = colour;
  pen.fillRect(left, top, wide, size * 1.45);
  pen.fillStyle = COLOURS.ink;
  pen.fillText(text, left + size * 0.35, top + size * 1.08);
}

export class Wall {
  constructor(parent, empty) {
    this.parent = parent;
    this.empty = empty;
    this.tiles = new Map();
    this.critical = new Map();
    this.listed = null;
  }

  // Cameras as the API lists them; null: the list cannot be had, then the tiles stay and go on by themselves.
  update(reports) {
    this.listed = reports !== null;
    if (reports !== null) {
      const ids = new Set(reports.map((report) => report.camera_id));
      for (const [id, tile] of this.tiles) if (!ids.has(id)) { tile.remove(); this.tiles.delete(id); }
      for (const report of reports) this.tile(report.camera_id).update(report);
    }
    this.parent.dataset.count = String(Math.min(this.tiles.size, 10));
    this.refresh();
  }

  tile(id) {
    if (!this.tiles.has(id)) {
      const tile = new Tile(id, this.parent);
      tile.criticalEvents = this.criticalOf(id);
      this.tiles.set(id, tile);
    }
    return this.tiles.get(id);
  }

  criticalOf(id) {
    if (!this.critical.has(id)) this.critical.set(id, new Set());
    return this.critical.get(id);
  }

  noteEvent(event) {
    const events = this.criticalOf(event.camera_id);
    if (event.severity === "CRITICAL" && event.state !== "closed") events.add(event.event_id);
    else events.delete(event.event_id);
    this.tiles.get(event.camera_id)?.refresh();
  }

  criticalCount() {
    return [...this.critical.values()].reduce((sum, events) => sum + events.size, 0);
  }

  nameOf(id) {
    return this.tiles.get(id)?.report?.name || id;
  }

  zoneName(cameraId, zoneId) {
    return this.tiles.get(cameraId)?.header?.zones?.find((zone) => zone.zone_id === zoneId)?.name || zoneId;
  }

  refresh() {
    this.empty.hidden = this.tiles.size > 0;
    this.empty.textContent = this.listed === false ? say("noCameraList") : say("noCameras");
    for (const tile of this.tiles.values()) tile.refresh();
  }
}
