// One event in large: its picture, whom it was told, and the button that acknowledges it.

import { getJson } from "./live.js";
import { element } from "./wall.js";
import { say, sayTime, sayType } from "./words.js";

const NAME_KEY = "safe-yolo-name";

export class Viewer {
  constructor(parts, wall) {
    Object.assign(this, { parts, wall, event: null });
    parts.name.value = remembered();
    parts.acknowledge.onclick = () => this.acknowledge();
  }

  open(event) {
    this.parts.picture.hidden = !event.snapshot.url;
    if (event.snapshot.url) this.parts.picture.src = event.snapshot.url;
    this.parts.told.replaceChildren();
    this.show(event);
    if (!this.parts.dialog.open) this.parts.dialog.showModal();
    return this.load(event.event_id);
  }

  async load(id) {
    try {
      const { ok, content } = await getJson(`/api/v1/events/${encodeURIComponent(id)}`);
      if (!ok || this.event?.event_id !== id) return;
      this.show(content);
      this.parts.told.replaceChildren(...content.notifications.map(delivery));
    } catch { /* what is known stays */ }
  }

  show(event) {
    this.event = event;
    const { text, picture, acknowledge, name, label } = this.parts;
    text.textContent = `${sayType(event.event_type)} · ${this.wall.nameOf(event.camera_id)} · ${sayTime(event.opened_at, true)}`;
    picture.alt = text.textContent;
    acknowledge.disabled = event.acknowledged;
    acknowledge.textContent = event.acknowledged ? sayWho(event) : say("acknowledge");
    name.hidden = label.hidden = event.acknowledged;
    label.textContent = say("yourName");
  }

  async acknowledge() {
    const { event, parts } = this;
    remember(parts.name.value);
    parts.acknowledge.disabled = true;
    try {
      const answer = await fetch(`/api/v1/events/${encodeURIComponent(event.event_id)}/acknowledge`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ by: parts.name.value, occurrence: event.occurrence }),
      });
      if (answer.status === 409) return await this.showNewer(event.event_id);
      if (!answer.ok) throw new Error(answer.status);
      await this.load(event.event_id);
    } catch {
      parts.acknowledge.disabled = false;
      parts.acknowledge.textContent = say("notAcknowledged");
    }
  }

  // It became worse, or opened again, since it was shown: who clicked has not seen that yet.
  async showNewer(id) {
    await this.load(id);
    if (this.event?.event_id === id && !this.event.acknowledged) this.parts.acknowledge.textContent = say("newerNews");
  }
}

export function sayWho(event) {
  return say(event.acknowledged_by ? "acknowledgedBy" : "acknowledged", { who: event.acknowledged_by });
}

function delivery(message) {
  const item = element("li", "delivery");
  item.dataset.state = message.state;
  const when = message.accepted_at ?? message.sent_at ?? message.next_try_at ?? message.due_at;
  const parts = [message.channel_id, say(`kind_${message.kind}`), say(`message_${message.state}`), sayTime(when), message.last_error];
  item.textContent = parts.filter(Boolean).join(" · ");
  return item;
}

function remembered() {
  try { return localStorage.getItem(NAME_KEY) ?? ""; } catch { return ""; }
}

function remember(name) {
  try { localStorage.setItem(NAME_KEY, name); } catch { /* a browser that keeps nothing asks again */ }
}
