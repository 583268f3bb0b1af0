// One event in large: its picture with boxes or without, what became of it, whom it was told, and the button that acknowledges it.

import { ask, getJson } from "./api.js";
import { cameras } from "./cameras.js";
import { element, field, Listeners, make } from "./dom.js";
import { sayState, sayWhere, sayWho } from "./event_list.js";
import { sayPlainly } from "./reasons.js";
import { may, session } from "./session.js";
import { remember, remembered } from "./storage.js";
import { sayTime } from "./times.js";
import { say, sayType } from "./words.js";
import "./words_events.js";

class Detail {
  constructor() {
    this.event = null;
    this.closed = new Listeners();
    this.changed = new Listeners(); // (event) as the API answered after somebody acknowledged
    this.clean = false;
  }

  build() {
    const dialog = document.getElementById("viewer");
    this.close = make("button", { type: "button", class: "close", text: "×", onclick: () => dialog.close() });
    this.title = make("h2", { id: "viewer-title", tabindex: "-1" });
    this.picture = make("img", { id: "viewer-picture", alt: "" });
    this.boxes = make("input", { type: "checkbox", checked: true, onchange: () => { this.clean = !this.boxes.checked; this.showPicture(); } });
    this.noPicture = make("div", { class: "no-large" }, make("strong"), make("span", { class: "soft" }));
    this.picture.onerror = () => this.showNoPicture("unloaded");
    this.boxesLabel = make("label", { class: "check" }, this.boxes, make("span"));
    this.facts = element("p", "soft");
    this.word = this.buildWord();
    this.steps = make("ol", { class: "timeline" });
    this.told = make("ul", { id: "viewer-told", class: "deliveries" });
    this.stepsTitle = element("h3");
    this.toldTitle = element("h3");
    dialog.replaceChildren(this.close, this.title, this.facts,
      make("div", { class: "detail-columns" }, make("div", {}, this.picture, this.noPicture, this.boxesLabel),
        make("div", { class: "detail-side" }, this.word, make("div", {}, this.stepsTitle, this.steps, this.toldTitle, this.told))));
    dialog.addEventListener("close", () => { this.event = null; this.closed.tell(); });
    dialog.addEventListener("keydown", (pressed) => this.key(pressed));
    this.dialog = dialog;
  }

  buildWord() {
    this.name = make("input", { id: "viewer-name", type: "text", maxlength: "80", autocomplete: "name" });
    this.name.value = remembered("name");
    this.remark = make("input", { id: "viewer-remark", type: "text", maxlength: "500", autocomplete: "off" });
    this.nameField = field("", this.name);
    this.remarkField = field("", this.remark);
    this.acknowledgeButton = make("button", { id: "viewer-acknowledge", type: "button", class: "acknowledge-button", onclick: () => this.acknowledge() });
    this.failedSaid = make("p", { class: "form-said", role: "alert" });
    return make("div", { class: "viewer-word" }, this.nameField, this.remarkField, this.acknowledgeButton, this.failedSaid);
  }

  open(event) {
    if (!this.dialog) this.build();
    this.remark.value = "";
    this.failedSaid.textContent = "";
    this.told.replaceChildren();
    this.picture.removeAttribute("src");
    this.show(event);
    if (!this.dialog.open) {
      this.dialog.showModal();
      this.title.focus();
    }
    return this.load(event.event_id);
  }

  // Only its id is known, from an address. -> whether there is such an event
  async openById(id) {
    const { ok, content } = await getJson(`/api/v1/events/${encodeURIComponent(id)}`);
    if (ok) this.open(content);
    return ok;
  }

  async load(id) {
    const { ok, content } = await getJson(`/api/v1/events/${encodeURIComponent(id)}`);
    if (!ok || this.event?.event_id !== id) return; // what is known stays
    this.show(content);
    const told = (content.notifications ?? []).map(delivery);
    this.told.replaceChildren(...(told.length ? told : [make("li", { text: say("toldNobody") })]));
  }

  // News of the event that is open here.
  refresh(event) {
    if (this.event?.event_id === event.event_id && event.revision >= this.event.revision) this.load(event.event_id);
  }

  show(event) {
    this.event = event;
    this.dialog.dataset.severity = event.severity;
    this.dialog.setAttribute("aria-labelledby", "viewer-title");
    this.close.setAttribute("aria-label", say("close"));
    this.title.textContent = `${sayType(event.event_type)} · ${cameras.nameOf(event.camera_id)} · ${sayTime(event.opened_at, true)}`;
    this.facts.textContent = `${[say(event.severity), sayState(event), sayWhere(event)].join(" · ")} ${exactReason(event)}`.trim();
    this.boxesLabel.lastChild.textContent = say("boxesOn");
    this.stepsTitle.textContent = say("timeline");
    this.toldTitle.textContent = say("told");
    this.steps.replaceChildren(...steps(event));
    this.showPicture();
    this.showWord();
  }

  showPicture() {
    const { state, url } = this.event.snapshot;
    if (!url) return this.showNoPicture(state === "pending" ? "pending" : whyNone(this.event));
    this.picture.alt = this.title.textContent;
    const wanted = `${url}${this.clean ? "?clean=1" : ""}`;
    if (this.picture.getAttribute("src") === wanted) return undefined; // one that could not be loaded is not asked for again and again
    this.dialog.dataset.picture = "true";
    this.noPicture.hidden = true;
    this.picture.hidden = this.boxesLabel.hidden = false;
    this.picture.src = wanted;
    return undefined;
  }

  // Why there is none; the rest takes its place.
  showNoPicture(why) {
    this.dialog.dataset.picture = "false";
    this.picture.hidden = this.boxesLabel.hidden = true;
    this.noPicture.hidden = false;
    this.noPicture.firstChild.textContent = say(why === "pending" ? "pending" : "lostPicture");
    this.noPicture.lastChild.textContent = say(`picture_${why}`);
  }

  showWord() {
    const { acknowledged } = this.event;
    const allowed = may("operator");
    this.acknowledgeButton.disabled = acknowledged || !allowed;
    this.acknowledgeButton.textContent = acknowledged ? sayWho(this.event) : say("acknowledge");
    this.nameField.hidden = acknowledged || !allowed || session.signIn === "on";
    this.remarkField.hidden = acknowledged || !allowed;
    this.nameField.firstChild.textContent = say("yourName");
    this.remarkField.firstChild.textContent = say("remark");
  }

  key(pressed) {
    if (pressed.key.toLowerCase() !== "a" || pressed.target.matches("input") || pressed.ctrlKey || pressed.metaKey) return;
    pressed.preventDefault();
    if (!this.acknowledgeButton.disabled) this.acknowledge();
  }

  async acknowledge() {
    const { event } = this;
    if (session.signIn === "off") remember("name", this.name.value);
    this.acknowledgeButton.disabled = true;
    this.failedSaid.textContent = "";
    const answer = await acknowledgeEvent(event, session.signIn === "off" ? this.name.value : "", this.remark.value);
    if (answer.ok) this.changed.tell(answer.content.event);
    if (this.event?.event_id !== event.event_id) return;
    await this.load(event.event_id);
    if (answer.ok || this.event?.acknowledged) return;
    this.acknowledgeButton.disabled = false;
    // 409: it became worse, or opened again, since it was shown; who clicked has not seen that yet.
    this.failedSaid.textContent = say(answer.status === 409 ? "newerNews" : "notAcknowledged");
  }
}

export const detail = new Detail();

// Says of this event, as it is shown, that somebody takes care of it.
export function acknowledgeEvent(event, by, remark) {
  const body = { occurrence: event.occurrence };
  if (by) body.by = by;
  if (remark) body.remark = remark;
  return ask(`/api/v1/events/${encodeURIComponent(event.event_id)}/acknowledge`, { method: "POST", body });
}

// Who mends it wants the server's own words too.
const exactReason = ({ event_type: type, detail: { reason } = {} }) => (type.startsWith("CAMERA_") && sayPlainly(reason ?? "") ? `(${reason})` : "");

const whyNone = (event) => (event.snapshot.state === "lost" ? "lost" : event.event_type.startsWith("CAMERA_") ? "blind" : "none");

function steps(event) {
  const made = [["opened", event.opened_at]];
  if (event.state === "escalated") made.push(["escalated", event.updated_at]);
  else if (event.updated_at !== event.opened_at && event.updated_at !== event.closed_at) made.push(["changed", event.updated_at]);
  if (event.closed_at) made.push(["closed", event.closed_at]);
  const items = made.map(([name, at]) => [at, say(`step_${name}`)]);
  if (event.acknowledged) items.push([event.acknowledged_at, sayAcknowledged(event)]);
  items.sort(([a], [b]) => a.localeCompare(b));
  return items.map(([at, text]) => make("li", {}, make("time", { datetime: at, text: sayTime(at) }), ` ${text}`));
}

function sayAcknowledged(event) {
  const known = event.acknowledged_way === "link" ? "byLink" : event.acknowledged_verified ? "byPerson" : "unverified";
  const who = say("step_acknowledged", { who: event.acknowledged_by || say("somebody") });
  return [`${who} (${say(known)})`, event.remark].filter(Boolean).join(": ");
}

function delivery(message) {
  const item = element("li", "delivery");
  item.dataset.state = message.state;
  const when = message.accepted_at ?? message.sent_at ?? message.next_try_at ?? message.due_at;
  const parts = [message.channel_id, say(`kind_${message.kind}`), say(`message_${message.state}`), sayTime(when), message.last_error];
  item.textContent = parts.filter(Boolean).join(" · ");
  return item;
}
