// The last events: a page of them from the API, then every change from the socket, resumed where it broke off.

import { getJson, Reconnecting } from "./live.js";
import { sayWho, Viewer } from "./viewer.js";
import { element } from "./wall.js";
import { say, sayObject, sayTime, sayType } from "./words.js";

const KEPT = 60;
const SILENT_AFTER_MS = 40000;
const LINKED = new URLSearchParams(location.search).get("event"); // a message brought the reader here

export class Events {
  constructor(parts, wall, changed) {
    this.parts = parts;
    this.wall = wall;
    this.changed = changed;
    this.byId = new Map();
    this.items = new Map();
    this.cursor = null;
    this.link = "waiting";
    this.loaded = false;
    this.linked = LINKED;
    const path = () => `/api/v1/events/live${this.cursor === null ? "" : `?cursor=${this.cursor}`}`;
    this.socket = new Reconnecting(path, {
      message: (data, answer) => this.receive(JSON.parse(data), answer),
      down: (code) => this.lost(code),
    }, SILENT_AFTER_MS);
    this.viewer = new Viewer(parts.viewer, wall);
    this.refresh();
  }

  receive(message, answer) {
    if (Number.isInteger(message.cursor)) this.cursor = message.cursor;
    if (message.type === "event") {
      this.take(message.event);
      answer({ ack: message.cursor });
      this.changed();
    }
    const away = message.type === "status" && message.database === "away";
    this.setLink(away || (this.link === "away" && message.type === "heartbeat") ? "away" : "live");
    if (!away && !this.loaded) this.load();
  }

  lost(code) {
    if (code === 4400) this.cursor = null; // the log is another one, after a restored database say
    this.loaded = false;
    this.setLink("lost");
  }

  async load() {
    // After the socket has its cursor: what happens meanwhile comes through it, and a higher revision wins.
    this.loaded = true;
    try {
      const lists = await Promise.all(["limit=40", "limit=200&severity=CRITICAL&state=open", "limit=200&severity=CRITICAL&state=escalated"]
        .map((query) => getJson(`/api/v1/events?${query}`)));
      if (lists.some((list) => !list.ok)) throw new Error("events cannot be had");
      lists.flatMap((list) => list.content.events).forEach((event) => this.take(event));
      this.changed();
      await this.showLinked();
    } catch {
      this.loaded = false; // the next message of the socket tries again
    }
    this.refresh();
  }

  async showLinked() {
    if (!this.linked) return;
    const found = await getJson(`/api/v1/events/${encodeURIComponent(this.linked)}`);
    this.linked = null;
    if (!found.ok) return;
    this.take(found.content);
    this.items.get(found.content.event_id)?.root.scrollIntoView({ block: "center" });
    this.viewer.open(found.content);
  }

  take(event) {
    const known = this.byId.get(event.event_id);
    if (known && known.revision > event.revision) return;
    this.wall.noteEvent(event);
    this.byId.set(event.event_id, event);
    this.forgetOldest();
    if (this.byId.has(event.event_id)) this.place(event);
    this.parts.empty.hidden = this.byId.size > 0;
  }

  forgetOldest() {
    if (this.byId.size <= KEPT) return;
    const oldest = [...this.byId.values()].reduce((a, b) => (a.opened_at < b.opened_at ? a : b));
    this.byId.delete(oldest.event_id);
    this.items.get(oldest.event_id)?.root.remove();
    this.items.delete(oldest.event_id);
  }

  place(event) {
    let item = this.items.get(event.event_id);
    if (!item) {
      item = new Item((shown) => this.viewer.open(shown));
      this.items.set(event.event_id, item);
      const later = [...this.parts.list.children].find((other) => other.dataset.openedAt < event.opened_at);
      item.root.dataset.openedAt = event.opened_at;
      this.parts.list.insertBefore(item.root, later ?? null);
    }
    item.fill(event, this.wall);
  }

  setLink(link) {
    this.link = link;
    this.parts.link.dataset.link = link;
    this.parts.link.textContent = say(link);
  }

  refresh() {
    this.setLink(this.link);
    this.parts.title.textContent = say("events");
    this.parts.empty.textContent = say("noEvents");
    this.parts.empty.hidden = this.byId.size > 0;
    for (const [id, item] of this.items) item.fill(this.byId.get(id), this.wall);
  }
}

class Item {
  constructor(open) {
    this.root = element("li", "event");
    this.thumb = element("button", "thumb", this.root);
    this.thumb.type = "button";
    this.thumb.onclick = () => this.event && open(this.event);
    this.image = element("img", "", this.thumb);
    this.image.loading = "lazy";
    this.image.decoding = "async";
    this.image.alt = "";
    this.image.onerror = () => { this.image.hidden = true; };
    this.noPicture = element("span", "no-picture", this.thumb);
    const text = element("div", "event-text", this.root);
    this.title = element("p", "event-title", text);
    this.where = element("p", "event-where", text);
    this.foot = element("p", "event-foot", text);
    this.time = element("time", "", this.foot);
    this.state = element("span", "chip state", this.foot);
    this.severity = element("span", "chip severity", this.foot);
    this.acknowledged = element("span", "chip acknowledged", this.foot);
  }

  fill(event, wall) {
    this.event = event;
    this.root.dataset.severity = event.severity;
    this.root.dataset.state = event.state;
    this.title.textContent = sayType(event.event_type);
    const zone = event.zone_id ? wall.zoneName(event.camera_id, event.zone_id) : say("wholePicture");
    this.where.textContent = [wall.nameOf(event.camera_id), zone, sayReason(event)].filter(Boolean).join(" · ");
    this.time.dateTime = event.opened_at;
    this.time.textContent = sayTime(event.opened_at);
    this.state.textContent = sayState(event);
    this.severity.textContent = say(event.severity);
    this.acknowledged.hidden = !event.acknowledged;
    this.acknowledged.textContent = event.acknowledged ? sayWho(event) : "";
    this.showPicture(event.snapshot);
  }

  showPicture({ state, url }) {
    if (url && this.url !== url) {
      this.url = url;
      this.image.hidden = false;
      this.image.src = url;
    }
    this.image.hidden = !url || this.image.hidden;
    this.thumb.setAttribute("aria-label", this.title.textContent);
    this.noPicture.textContent = url ? "" : say(state === "pending" ? "pending" : "lostPicture");
  }
}

function sayReason(event) {
  if (typeof event.detail?.reason === "string") return event.detail.reason;
  return event.objects.length === 1 ? sayObject(event.objects[0].label) : "";
}

function sayState(event) {
  if (event.state !== "closed" || !event.closed_at) return say(event.state);
  const seconds = Math.round((new Date(event.closed_at) - new Date(event.opened_at)) / 1000);
  return `${say("closed")} · ${say("lasted", { s: seconds })}`;
}
