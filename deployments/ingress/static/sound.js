// The alarm tone: on request only, and then as long as a CRITICAL event is open that nobody has acknowledged.

import { Listeners } from "./dom.js";
import { feed } from "./feed.js";
import { remember, remembered } from "./storage.js";

const REPEAT_MS = 1600;

class Sound {
  constructor() {
    this.on = remembered("sound", ["on"]) === "on";
    this.context = null;
    this.changed = new Listeners();
    this.timer = setInterval(() => this.tick(), REPEAT_MS);
    // A browser plays nothing before somebody touches the page: who wanted sound last time gets it with the first touch.
    addEventListener("pointerdown", () => this.on && this.wake());
    addEventListener("keydown", () => this.on && this.wake());
  }

  get state() {
    if (!this.on) return "off";
    return this.context?.state === "running" ? "on" : "blocked";
  }

  async switch() {
    this.on = !this.on;
    remember("sound", this.on ? "on" : "");
    if (this.on) {
      await this.wake();
      this.beep(660, 0, 0.12); // so that one hears that it works
    }
    this.changed.tell();
  }

  async wake() {
    try {
      this.context ??= new AudioContext();
      if (this.context.state !== "running") await this.context.resume();
    } catch { /* no sound device: the state says so */ }
    this.changed.tell();
  }

  tick() {
    if (this.state !== "on" || !feed.unanswered().length) return;
    this.beep(880, 0, 0.25);
    this.beep(620, 0.3, 0.25);
  }

  beep(pitch, afterS, lastsS) {
    if (!this.context) return;
    const [tone, volume, start] = [this.context.createOscillator(), this.context.createGain(), this.context.currentTime + afterS];
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.3, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + lastsS);
    tone.connect(volume).connect(this.context.destination);
    tone.start(start);
    tone.stop(start + lastsS);
  }
}

export const sound = new Sound();
