// Draws one polygon over a picture: points are added, dragged and deleted, by mouse, finger or keys, and every step can be undone.

import { make, makeSvg } from "./dom.js";
import { clampPoint, middleOfLongestEdge, polygonFault } from "./polygon.js";
import { say } from "./words.js";
import "./words_camera.js";

const STEP = 0.005;
const BIG_STEP = 0.02;
const FIRST_POINTS = [[0.35, 0.35], [0.65, 0.35], [0.5, 0.7]];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class PolygonEditor {
  // others: [{polygon, kind}] shown faintly; changed(): after every step
  constructor(stage, { polygon, kind, others, changed }) {
    Object.assign(this, { stage, kind, others, changed, points: polygon.map((point) => [...point]) });
    this.past = [];
    this.future = [];
    this.svg = makeSvg("svg", { class: "editor", role: "group", "aria-label": say("drawHint") });
    stage.append(this.svg);
    this.svg.addEventListener("pointerdown", (down) => this.press(down));
    this.svg.addEventListener("pointermove", (moved) => this.drag(moved));
    this.svg.addEventListener("pointerup", () => this.release());
    this.svg.addEventListener("pointercancel", () => this.release());
    this.svg.addEventListener("keydown", (pressed) => this.key(pressed));
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(stage);
    this.draw();
  }

  get fault() { return polygonFault(this.points); }

  get canUndo() { return this.past.length > 0; }

  get canRedo() { return this.future.length > 0; }

  setKind(kind) {
    this.kind = kind;
    this.draw();
  }

  setOthers(others) {
    this.others = others;
    this.draw();
  }

  // Every change goes through here, so that it can be taken back.
  step(points, focus = null) {
    this.past.push(this.points);
    this.future = [];
    this.put(points, focus);
  }

  put(points, focus = null) {
    this.points = points;
    this.draw(focus);
    this.changed();
  }

  undo() {
    if (!this.canUndo) return;
    this.future.push(this.points);
    this.put(this.past.pop());
  }

  redo() {
    if (!this.canRedo) return;
    this.past.push(this.points);
    this.put(this.future.pop());
  }

  addPoint() {
    if (this.points.length < 3) return this.step([...this.points, FIRST_POINTS[this.points.length]], this.points.length);
    const { at, point } = middleOfLongestEdge(this.points);
    return this.insert(at, point);
  }

  insert(at, point) {
    this.step([...this.points.slice(0, at), clampPoint(point), ...this.points.slice(at)], at);
  }

  remove(index) {
    this.step(this.points.filter((_, other) => other !== index), Math.max(0, index - 1));
  }

  at(event) {
    const box = this.svg.getBoundingClientRect();
    return clampPoint([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
  }

  press(down) {
    if (down.button !== 0) return;
    down.preventDefault();
    const { point, edge } = down.target.dataset;
    if (point !== undefined) this.grab(Number(point), down);
    else {
      const at = edge === undefined ? this.points.length : Number(edge) + 1;
      this.insert(at, this.at(down));
      this.grab(at, down, true);
    }
  }

  grab(index, down, isNew = false) {
    this.dragged = { index, before: isNew ? null : this.points };
    this.svg.setPointerCapture(down.pointerId);
    this.svg.querySelector(`[data-point="${index}"]`)?.focus();
  }

  drag(moved) {
    if (!this.dragged) return;
    this.points = this.points.map((point, index) => (index === this.dragged.index ? this.at(moved) : point));
    this.draw(this.dragged.index);
    this.changed();
  }

  release() {
    const before = this.dragged?.before;
    this.dragged = null;
    if (!before || String(before) === String(this.points)) return;
    this.past.push(before);
    this.future = [];
    this.changed();
  }

  key(pressed) {
    const index = Number(pressed.target.dataset?.point);
    if ((pressed.ctrlKey || pressed.metaKey) && pressed.key.toLowerCase() === "z") pressed.shiftKey ? this.redo() : this.undo();
    else if (Number.isNaN(index)) return;
    else if (pressed.key in ARROWS) this.nudge(index, ARROWS[pressed.key], pressed.shiftKey ? BIG_STEP : STEP);
    else if (pressed.key === "Delete" || pressed.key === "Backspace") this.remove(index);
    else return;
    pressed.preventDefault();
  }

  nudge(index, [dx, dy], by) {
    this.step(this.points.map(([x, y], other) => (other === index ? clampPoint([x + dx * by, y + dy * by]) : [x, y])), index);
  }

  draw(focus = null) {
    const [width, height] = [this.stage.clientWidth || 1, this.stage.clientHeight || 1];
    const focused = focus ?? this.svg.querySelector(":focus")?.dataset.point;
    const pixels = (points) => points.map(([x, y]) => [x * width, y * height]);
    const corners = pixels(this.points);
    const faulty = this.fault !== null;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren(
      ...this.others.map((other) => makeSvg("polygon", { points: pixels(other.polygon).join(" "), class: "other-shape", data: { kind: other.kind } })),
      makeSvg("polygon", { points: corners.join(" "), class: "shape", data: { kind: this.kind, faulty } }),
      ...corners.map(([x, y], index) => this.edge([x, y], corners[(index + 1) % corners.length], index)),
      ...corners.map(([x, y], index) => makeSvg("circle", { cx: x, cy: y, r: 8, class: "handle", tabindex: "0", role: "button",
        "aria-label": say("point", { n: index + 1 }), data: { point: index, first: index === 0 } })));
    if (focused !== undefined && focused !== null) this.svg.querySelector(`[data-point="${focused}"]`)?.focus();
  }

  edge([x1, y1], [x2, y2], index) {
    return makeSvg("line", { x1, y1, x2, y2, class: "edge", data: { edge: index } });
  }

  close() {
    this.watch.disconnect();
    this.svg.remove();
  }
}

// What the drawn shape is worth, in words; `fault` null: it can be saved.
export function sayFault(fault) {
  return fault ? say(`fault_${fault.fault}`, fault) : say("fault_none");
}

export function toolButtons(editor) {
  const tool = (key, work) => make("button", { type: "button", class: "button", text: say(key), onclick: work });
  const undo = tool("undo", () => editor.undo());
  const redo = tool("redo", () => editor.redo());
  const row = make("div", { class: "row" }, undo, redo, tool("addPoint", () => editor.addPoint()));
  const refresh = () => { undo.disabled = !editor.canUndo; redo.disabled = !editor.canRedo; };
  refresh();
  return { row, refresh };
}
