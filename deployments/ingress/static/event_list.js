// The last events beside the wall.

import { cameras } from "./cameras.js";
import { element } from "./dom.js";
import { detail } from "./event_detail.js";
import { feed } from "./feed.js";
import { sayPlainly } from "./reasons.js";
import { sayDuration, sayTime } from "./times.js";
import { say, sayObject, sayType } from "./words.js";
import "./words_live.js";

export class EventList {
  constructor(parent) {
    this.items = new Map();
    const head = element("div", "events-head", parent);
    this.title = element("h2", "", head);
    this.title.id = "events-title";
    this.link = element("span", "link", head);
    this.link.setAttribute("role", "status");
    this.list = element("ol", "events", parent);
    this.list.id = "events";
    this.empty = element("p", "empty", parent);
    parent.setAttribute("aria-labelledby", "events-title");
    this.ends = [feed.happened.add((event) => this.take(event)), feed.linkChanged.add(() => this.sayLink())];
    for (const event of feed.byId.values()) this.place(event);
    this.refresh();
  }

  take(event) {
    for (const [id, item] of this.items) if (!feed.byId.has(id)) { item.root.remove(); this.items.delete(id); }
    if (feed.byId.has(event.event_id)) this.place(event);
    this.empty.hidden = this.items.size > 0;
  }

  place(event) {
    let item = this.items.get(event.event_id);
    if (!item) {
      item = new Item((shown) => detail.open(shown));
      this.items.set(event.event_id, item);
      const later = [...this.list.children].find((other) => other.dataset.openedAt < event.opened_at);
      item.root.dataset.openedAt = event.opened_at;
      this.list.insertBefore(item.root, later ?? null);
    }
    item.fill(event);
  }

  sayLink() {
    this.link.dataset.link = feed.link;
    this.link.textContent = say(feed.link);
  }

  refresh() {
    this.sayLink();
    this.title.textContent = say("events");
    this.empty.textContent = say("noEvents");
    this.empty.hidden = this.items.size > 0;
    for (const [id, item] of this.items) item.fill(feed.byId.get(id) ?? item.event);
  }

  unmount() { this.ends.forEach((end) => end()); }
}

// The picture of an event as a button; loads when it comes into sight.
export class Thumbnail {
  constructor(open) {
    this.root = element("button", "thumb");
    this.root.type = "button";
    this.root.onclick = open;
    this.image = element("img", "", this.root);
    this.image.loading = "lazy";
    this.image.decoding = "async";
    this.image.alt = "";
    this.image.onerror = () => { this.image.hidden = true; };
    this.noPicture = element("span", "no-picture", this.root);
  }

  fill(event) {
    const { state, url } = event.snapshot;
    if (url && this.url !== url) {
      this.url = url;
      this.image.hidden = false;
      this.image.src = `${url}?size=thumbnail`; // the picture itself is asked for, and noted, when somebody opens it
    }
    this.image.hidden = !url || this.image.hidden;
    this.noPicture.textContent = url ? "" : say(state === "pending" ? "pending" : "lostPicture");
    const words = [sayType(event.event_type), cameras.nameOf(event.camera_id), sayTime(event.opened_at), this.noPicture.textContent];
    this.root.setAttribute("aria-label", words.filter(Boolean).join(", "));
  }
}

export class Item {
  constructor(open) {
    this.root = element("li", "event");
    this.thumb = new Thumbnail(() => this.event && open(this.event));
    this.root.append(this.thumb.root);
    const text = element("div", "event-text", this.root);
    this.title = element("p", "event-title", text);
    this.where = element("p", "event-where", text);
    this.foot = element("p", "event-foot", text);
    this.time = element("time", "", this.foot);
    this.state = element("span", "chip state", this.foot);
    this.severity = element("span", "chip severity", this.foot);
    this.acknowledged = element("span", "chip acknowledged", this.foot);
  }

  fill(event) {
    this.event = event;
    this.root.dataset.severity = event.severity;
    this.root.dataset.state = event.state;
    this.title.textContent = sayType(event.event_type);
    this.where.textContent = sayWhere(event);
    this.time.dateTime = event.opened_at;
    this.time.textContent = sayTime(event.opened_at);
    this.state.textContent = sayState(event);
    this.severity.textContent = say(event.severity);
    this.acknowledged.hidden = !event.acknowledged;
    this.acknowledged.textContent = event.acknowledged ? sayWho(event) : "";
    this.thumb.fill(event);
  }
}

export function sayWhere(event) {
  const zone = event.zone_id ? cameras.zoneName(event.camera_id, event.zone_id) : say("wholePicture");
  return [cameras.nameOf(event.camera_id), zone, sayReason(event)].filter(Boolean).join(" · ");
}

export function sayWho(event) {
  return say(event.acknowledged_by ? "acknowledgedBy" : "acknowledged", { who: event.acknowledged_by });
}

export function sayState(event) {
  if (event.state !== "closed" || !event.closed_at) return say(event.state);
  const seconds = (new Date(event.closed_at) - new Date(event.opened_at)) / 1000;
  return `${say("closed")} · ${say("lasted", { s: sayDuration(seconds) })}`;
}

function sayReason(event) {
  if (typeof event.detail?.reason === "string") return sayPlainly(event.detail.reason) || event.detail.reason;
  return event.objects.length === 1 ? sayObject(event.objects[0].label) : "";
}
