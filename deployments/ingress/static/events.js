// The events: filters that live in the address, a table that the keyboard moves in, a chart, exports, many at once.

import { noteAddress } from "./address.js";
import { ask, getJson, query as queryOf, sayProblem } from "./api.js";
import { cameras } from "./cameras.js";
import { button, make } from "./dom.js";
import { Chart } from "./event_chart.js";
import { acknowledgeEvent, detail } from "./event_detail.js";
import { Filters, fits } from "./event_filters.js";
import { EventTable } from "./event_table.js";
import { feed } from "./feed.js";
import { may, session } from "./session.js";
import { remembered } from "./storage.js";
import { say } from "./words.js";
import "./words_events.js";

const PAGE = 50;
const MOST_AT_ONCE = 200;
const MANY_MS = 25000; // longer than the server takes
const CHART_PAUSE_MS = 3000;

export class EventsView {
  mount(parent, query) {
    this.parent = parent;
    this.shownEvent = null;
    this.filters = new Filters(query, (values) => this.filter(values));
    this.chart = new Chart();
    this.table = new EventTable({
      open: (event) => this.open(event), acknowledge: (event) => this.acknowledge(event), chosen: () => this.showChosen(),
    });
    this.build(parent);
    this.ends = [
      feed.happened.add((event, isNews) => this.take(event, isNews)), cameras.changed.add(() => this.filters.showCameras()),
      detail.closed.add(() => this.note(null)), detail.changed.add((event) => this.table.place(event)),
    ];
    this.load();
    if (query.event) this.openLinked(query.event);
  }

  build(parent) {
    this.said = make("p", { class: "said-line", role: "status" });
    this.many = make("div", { class: "many" });
    this.remark = make("input", { type: "text", maxlength: "500", placeholder: say("remark"), "aria-label": say("remark") });
    this.manyButton = button(say("acknowledgeChosen"), () => this.acknowledgeMany(), "button primary");
    this.manySaid = make("span", { class: "soft" });
    this.many.append(this.manySaid, this.remark, this.manyButton);
    this.more = button(say("more"), () => this.load(this.cursor), "button");
    this.exports = make("div", { class: "exports" });
    parent.replaceChildren(make("div", { class: "page" },
      make("div", { class: "page-head" }, make("h1", { text: say("viewEvents") }), this.exports),
      this.filters.root, this.chart.root, this.many,
      make("p", { class: "hint keys", text: say("keys") }), this.said, this.table.root, this.more));
    this.showChosen();
    this.showExports();
  }

  // The address has changed by hand or by the way back.
  update(query) {
    if (query.event && query.event !== this.shownEvent) this.openLinked(query.event);
    if (!this.filters.isAs(query)) {
      this.filters.fill(query);
      this.reload();
    }
  }

  filter() {
    this.note(this.shownEvent);
    this.reload();
  }

  reload() {
    this.table.clear();
    this.showExports();
    this.load();
  }

  note(event) {
    this.shownEvent = event;
    noteAddress("events", "", { ...this.filters.values, event });
  }

  async load(cursor = "") {
    const asked = this.filters.toApi();
    this.asked = asked;
    this.said.textContent = cursor ? "" : say("loading");
    this.more.disabled = true;
    if (!cursor) this.chart.load(asked);
    const answer = await getJson(`/api/v1/events?${queryOf({ ...asked, limit: PAGE, cursor })}`);
    if (this.asked !== asked) return; // somebody has chosen another filter meanwhile
    this.more.disabled = false;
    this.cursor = answer.content?.next_cursor ?? "";
    this.more.hidden = !this.cursor;
    if (answer.ok) answer.content.events.forEach((event) => this.table.place(event));
    this.said.textContent = answer.ok ? (this.table.size ? "" : say("noMatch")) : sayProblem(answer);
  }

  take(event, isNews) {
    const known = this.table.has(event.event_id);
    if (!isNews && !known) return; // the page of the API has it if it belongs here
    if (fits(event, this.filters.toApi())) this.table.place(event);
    else if (known) this.table.forget(event.event_id);
    this.said.textContent = this.table.size ? "" : say("noMatch");
    clearTimeout(this.charting);
    this.charting = setTimeout(() => this.chart.load(this.filters.toApi()), CHART_PAUSE_MS);
  }

  open(event) {
    this.note(event.event_id);
    detail.open(event);
  }

  async openLinked(id) {
    this.note(id);
    if (!(await detail.openById(id))) this.said.textContent = say("noMatch");
  }

  async acknowledge(event) {
    if (event.acknowledged || !may("operator")) return;
    const answer = await acknowledgeEvent(event, session.signIn === "off" ? remembered("name") : "", "");
    if (answer.ok) this.table.place(answer.content.event);
    else this.said.textContent = answer.status === 409 ? say("newerNews") : sayProblem(answer);
  }

  showChosen() {
    const count = this.table.chosen().length;
    this.many.hidden = !count;
    this.manySaid.textContent = say("chosen", { n: count });
    this.manyButton.disabled = !count || !may("operator");
  }

  async acknowledgeMany() {
    const events = this.table.chosenEvents().slice(0, MOST_AT_ONCE);
    const ids = events.map((event) => event.event_id);
    // What was seen, and no newer news of it.
    const occurrences = Object.fromEntries(events.map((event) => [event.event_id, event.occurrence]));
    this.manyButton.disabled = true;
    const body = { event_ids: ids, remark: this.remark.value, occurrences };
    const answer = await ask("/api/v1/events/acknowledge", { method: "POST", body, deadlineMs: MANY_MS });
    if (!answer.ok) this.said.textContent = sayProblem(answer);
    else {
      const well = Object.values(answer.content.outcomes).filter((outcome) => ["first", "already"].includes(outcome)).length;
      this.said.textContent = say("acknowledgedMany", { n: well, m: ids.length - well });
      this.remark.value = "";
      this.table.chooseNone();
    }
    this.showChosen();
  }

  showExports() {
    const links = [["csv", "exportCsv"], ["jsonl", "exportJson"]].map(([format, key]) => make("a", {
      class: "button", href: `/api/v1/events/export?${queryOf({ format, ...this.filters.toApi() })}`, download: "", text: say(key),
    }));
    this.exports.replaceChildren(...links);
  }

  unmount() {
    clearTimeout(this.charting);
    this.ends.forEach((end) => end());
    if (detail.dialog?.open) detail.dialog.close();
  }
}
