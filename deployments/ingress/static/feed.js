// What happens: a page of events from the API, then every change from the socket, resumed where it broke off.

import { getJson } from "./api.js";
import { Listeners } from "./dom.js";
import { Reconnecting } from "./live.js";

const KEPT = 60;
const SILENT_AFTER_MS = 40000;
const FIRST_LISTS = ["limit=40", "limit=200&severity=CRITICAL&state=open", "limit=200&severity=CRITICAL&state=escalated"];

class Feed {
  constructor() {
    this.happened = new Listeners(); // (event, isNews): isNews is false for what was there before
    this.linkChanged = new Listeners();
    this.byId = new Map();
    this.critical = new Map();
    this.cursor = null;
    this.link = "waiting";
    this.loaded = false;
    this.socket = null;
  }

  start() {
    if (this.socket) return;
    const path = () => `/api/v1/events/live${this.cursor === null ? "" : `?cursor=${this.cursor}`}`;
    this.socket = new Reconnecting(path, {
      message: (data, answer) => this.receive(JSON.parse(data), answer),
      down: (code) => this.lost(code),
    }, SILENT_AFTER_MS);
  }

  stop() {
    this.socket?.stop();
    Object.assign(this, { socket: null, cursor: null, loaded: false });
    this.byId.clear();
    this.critical.clear();
    this.setLink("waiting");
  }

  receive(message, answer) {
    if (Number.isInteger(message.cursor)) this.cursor = message.cursor;
    if (message.type === "event") {
      this.take(message.event, true);
      answer({ ack: message.cursor });
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
    const lists = await Promise.all(FIRST_LISTS.map((query) => getJson(`/api/v1/events?${query}`)));
    if (lists.some((list) => !list.ok)) {
      this.loaded = false; // the next message of the socket tries again
      return;
    }
    lists.flatMap((list) => list.content.events).forEach((event) => this.take(event, false));
  }

  take(event, isNews) {
    const known = this.byId.get(event.event_id) ?? this.critical.get(event.event_id);
    if (known && known.revision > event.revision) return;
    this.byId.set(event.event_id, event);
    if (event.severity === "CRITICAL" && event.state !== "closed") this.critical.set(event.event_id, event);
    else this.critical.delete(event.event_id);
    this.forgetOldest();
    this.happened.tell(event, isNews);
  }

  forgetOldest() {
    if (this.byId.size <= KEPT) return;
    const oldest = [...this.byId.values()].reduce((a, b) => (a.opened_at < b.opened_at ? a : b));
    this.byId.delete(oldest.event_id);
  }

  criticalOf(cameraId) {
    return [...this.critical.values()].filter((event) => event.camera_id === cameraId);
  }

  unanswered() {
    return [...this.critical.values()].filter((event) => !event.acknowledged);
  }

  setLink(link) {
    if (link === this.link) return;
    this.link = link;
    this.linkChanged.tell(link);
  }
}

export const feed = new Feed();
