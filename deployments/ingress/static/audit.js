// Who did what, for administrators; the filters live in the address.

import { noteAddress } from "./address.js";
import { getJson, query as queryOf, sayProblem } from "./api.js";
import { button, field, make } from "./dom.js";
import { table } from "./table.js";
import { sayTime, toLocal, toUtc } from "./times.js";
import { say } from "./words.js";
import "./words_events.js";
import "./words_system.js";

const NAMES = ["who", "action", "after", "before"];

export class AuditView {
  mount(parent, query) {
    this.controls = {
      who: make("input", { type: "text", maxlength: "100", autocomplete: "off", value: query.who }),
      action: make("input", { type: "text", maxlength: "100", autocomplete: "off", value: query.action, placeholder: "sign_in" }),
      after: make("input", { type: "datetime-local", value: toLocal(query.after) }),
      before: make("input", { type: "datetime-local", value: toLocal(query.before) }),
    };
    this.said = make("p", { class: "said-line", role: "status" });
    this.list = make("div");
    this.more = button(say("more"), () => this.load(this.cursor));
    const filters = make("form", { class: "filters", "aria-label": say("filters"), onsubmit: (event) => event.preventDefault(), onchange: () => this.load() },
      ...NAMES.map((name) => field(say(name), this.controls[name])));
    parent.replaceChildren(make("div", { class: "page" }, make("h1", { text: say("audit") }), filters, this.said, this.list, this.more));
    this.load();
  }

  get values() {
    return Object.fromEntries(NAMES.map((name) => {
      const text = this.controls[name].value.trim();
      return [name, name === "after" || name === "before" ? toUtc(text) : text];
    }));
  }

  async load(cursor = "") {
    const asked = this.values;
    noteAddress("audit", "", asked);
    const answer = await getJson(`/api/v1/audit?${queryOf({ ...asked, limit: 100, cursor })}`);
    this.cursor = answer.content?.next_cursor ?? "";
    this.more.hidden = !this.cursor;
    this.said.textContent = answer.ok ? "" : sayProblem(answer);
    if (!answer.ok) return;
    this.entries = cursor ? [...this.entries, ...answer.content.entries] : answer.content.entries;
    const rows = this.entries.map((one) => [make("time", { datetime: one.at, text: sayTime(one.at, true) }), one.who, one.action, one.subject, one.detail, one.address]);
    this.list.replaceChildren(table(say("audit"), ["time", "who", "action", "subject", "detailOf", "address"].map((key) => say(key)), rows));
  }

  unmount() {}
}
