// How many events, by hour, type or camera, in bars of their severities.

import { getJson, query as queryOf, sayProblem } from "./api.js";
import { cameras } from "./cameras.js";
import { button, make, makeSvg } from "./dom.js";
import { remember, remembered } from "./storage.js";
import { sayHour } from "./times.js";
import { say, sayType } from "./words.js";
import "./words_events.js";

const KINDS = ["hour", "day", "type", "camera"];
const SEVERITIES = ["INFO", "WARNING", "CRITICAL"];
const [WIDTH, HEIGHT, FOOT, MOST_BARS] = [900, 150, 22, 72];

export class Chart {
  constructor() {
    this.by = remembered("chart", KINDS) || "hour";
    this.asked = {};
    this.figure = make("div", { class: "chart-figure", tabindex: "0", role: "region", "aria-label": say("chartBy") });
    this.buttons = make("div", { class: "segments", role: "group", "aria-label": say("chartBy") });
    this.root = make("section", { class: "chart" }, this.buttons, this.figure);
    this.showButtons();
  }

  showButtons() {
    this.buttons.replaceChildren(...KINDS.map((by) => {
      const made = button(say(`by_${by}`), () => this.choose(by), "segment");
      made.setAttribute("aria-pressed", String(by === this.by));
      return made;
    }));
  }

  choose(by) {
    this.by = by;
    remember("chart", by);
    const at = KINDS.indexOf(by);
    this.showButtons();
    this.buttons.children[at].focus();
    this.load(this.asked);
  }

  async load(asked) {
    this.asked = asked;
    const by = this.by;
    const answer = await getJson(`/api/v1/events/statistics?${queryOf({ by, ...asked })}`);
    if (this.asked !== asked || this.by !== by) return;
    if (answer.ok) this.draw(columnsOf(answer.content.buckets, by));
    else this.figure.replaceChildren(make("p", { class: "hint", text: sayProblem(answer) }));
  }

  draw(columns) {
    if (!columns.length) return this.figure.replaceChildren(make("p", { class: "hint", text: say("chartNone") }));
    const total = columns.reduce((sum, column) => sum + column.total, 0);
    const most = Math.max(...columns.map((column) => column.total));
    const label = say("chartSaid", { by: say(`by_${this.by}`), n: total });
    const pitch = WIDTH / Math.max(columns.length, 8);
    const bars = columns.flatMap((column, index) => barsOf(column, index * pitch, pitch, most));
    const every = Math.ceil(columns.length / Math.max(1, Math.floor(WIDTH / 76)));
    const words = columns.filter((_, index) => index % every === 0).map((column, index) => makeSvg("text",
      { x: index * every * pitch + pitch / 2, y: HEIGHT - 6, "text-anchor": "middle", class: "chart-word", text: shortened(column.word, pitch * every) }));
    return this.figure.replaceChildren(makeSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${label}. ${columns.map((column) => `${column.word} ${column.total}`).slice(0, 30).join(", ")}` },
      makeSvg("line", { x1: 0, x2: WIDTH, y1: 6, y2: 6, class: "chart-most" }), ...bars, makeSvg("text", { x: 2, y: 18, class: "chart-word", text: String(most) }), ...words),
      make("p", { class: "hint", text: label }));
  }
}

// buckets: [{key, type, severity, count}] -> [{word, total, INFO, WARNING, CRITICAL}], in the order of the keys or by number
function columnsOf(buckets, by) {
  const columns = new Map();
  for (const { key, severity, count } of buckets) {
    const column = columns.get(key) ?? { key, word: wordOf(key, by), total: 0, INFO: 0, WARNING: 0, CRITICAL: 0 };
    column[severity] += count;
    column.total += count;
    columns.set(key, column);
  }
  const all = [...columns.values()];
  if (by === "type" || by === "camera") return all.sort((a, b) => b.total - a.total).slice(0, 16);
  all.sort((a, b) => a.key.localeCompare(b.key));
  return (by === "hour" ? withEmptyHours(all) : all).slice(-MOST_BARS);
}

// The key of an hour is its beginning in UTC, that of a day is the site's date.
function wordOf(key, by) {
  if (by === "type") return sayType(key);
  if (by === "camera") return cameras.nameOf(key);
  return by === "hour" ? sayHour(key) : key.slice(5).replace("-", "/");
}

// Hours without events are hours too.
function withEmptyHours(columns) {
  const HOUR_MS = 3600000;
  const known = new Map(columns.map((column) => [Date.parse(column.key), column]));
  const [first, last] = [Math.min(...known.keys()), Math.max(...known.keys())];
  if (!columns.length || Number.isNaN(first) || last - first > MOST_BARS * HOUR_MS) return columns;
  const all = [];
  for (let at = first; at <= last; at += HOUR_MS) all.push(known.get(at) ?? { word: sayHour(new Date(at).toISOString()), total: 0 });
  return all;
}

function barsOf(column, left, pitch, most) {
  const scale = (HEIGHT - FOOT - 6) / most;
  let top = HEIGHT - FOOT;
  return SEVERITIES.filter((severity) => column[severity]).map((severity) => {
    const high = Math.max(1.5, column[severity] * scale);
    top -= high;
    const said = makeSvg("title", { text: `${column.word} · ${say(severity)} ${column[severity]}` });
    return makeSvg("rect", { x: left + pitch * 0.12, y: top, width: Math.min(pitch * 0.76, 60), height: high, rx: 1.5, class: "bar-of", data: { severity } }, said);
  });
}

function shortened(word, width) {
  const fits = Math.max(3, Math.floor(width / 7.5));
  return word.length > fits ? `${word.slice(0, fits - 1)}…` : word;
}
