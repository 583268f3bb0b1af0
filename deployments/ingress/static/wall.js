// The live wall: 1, 4, 9 or 16 tiles a page; a tile streams only while it is in sight.

import { noteAddress } from "./address.js";
import { cameras } from "./cameras.js";
import { button, element, make } from "./dom.js";
import { EventList } from "./event_list.js";
import { feed } from "./feed.js";
import { sound } from "./sound.js";
import { remember, remembered } from "./storage.js";
import { Tile } from "./tile.js";
import { say } from "./words.js";
import "./words_live.js";

const LAYOUTS = [1, 4, 9, 16];
const HIDDEN_GRACE_MS = 10000;
const WELL = ["MONITORED", "DISABLED"];

export class WallView {
  mount(parent, query) {
    this.tiles = new Map();
    this.wanted = LAYOUTS.find((count) => String(count) === (query.tiles || remembered("tiles"))) ?? null;
    this.page = Math.max(1, Number.parseInt(query.page, 10) || 1);
    this.build(parent);
    this.watch = new IntersectionObserver((seen) => seen.forEach((one) => this.sight(one)), { rootMargin: "80px" });
    this.list = new EventList(this.side);
    this.ends = [
      cameras.changed.add(() => this.update()), feed.happened.add(() => this.refresh()), sound.changed.add(() => this.sayTools()),
    ];
    this.onHidden = () => this.noteHidden();
    document.addEventListener("visibilitychange", this.onHidden);
    this.update();
  }

  build(parent) {
    this.title = element("h1", "visually-hidden");
    this.layouts = make("div", { class: "segments", role: "group" });
    this.pager = make("div", { class: "pager" });
    this.elsewhere = make("button", { type: "button", class: "elsewhere", onclick: () => this.goToTrouble() });
    this.sound = make("button", { type: "button", class: "button", id: "sound", onclick: () => sound.switch() });
    const tools = make("div", { class: "tools" }, this.layouts, this.pager, this.elsewhere, this.sound);
    this.wall = make("div", { id: "wall", class: "wall" });
    this.empty = make("p", { class: "empty" });
    this.side = make("aside", { class: "events-part" });
    parent.replaceChildren(make("div", { class: "live-view" }, make("section", { class: "wall-part" }, this.title, tools, this.wall, this.empty), this.side));
  }

  get count() {
    return this.wanted ?? LAYOUTS.find((count) => count >= cameras.reports.length) ?? 16;
  }

  get pages() { return Math.max(1, Math.ceil(cameras.reports.length / this.count)); }

  onPage() {
    this.page = Math.min(this.page, this.pages);
    return cameras.reports.slice((this.page - 1) * this.count, this.page * this.count);
  }

  // While the list cannot be had the tiles stay, and go on by themselves.
  update() {
    if (cameras.listed) {
      const shown = this.onPage();
      const ids = new Set(shown.map((report) => report.camera_id));
      for (const id of [...this.tiles.keys()]) if (!ids.has(id)) this.drop(id);
      for (const report of shown) this.tile(report.camera_id).update(report);
    }
    this.wall.dataset.tiles = String(this.count);
    this.refresh();
  }

  tile(id) {
    if (!this.tiles.has(id)) {
      const tile = new Tile(id, this.wall);
      this.tiles.set(id, tile);
      this.watch.observe(tile.root);
    }
    return this.tiles.get(id);
  }

  drop(id) {
    this.watch.unobserve(this.tiles.get(id).root);
    this.tiles.get(id).remove();
    this.tiles.delete(id);
  }

  sight({ target, isIntersecting }) {
    target.dataset.inSight = String(isIntersecting);
    this.tiles.get(target.dataset.camera)?.setVisible(isIntersecting && !this.asleep);
  }

  noteHidden() {
    clearTimeout(this.sleep);
    if (document.hidden) this.sleep = setTimeout(() => this.setAsleep(true), HIDDEN_GRACE_MS);
    else this.setAsleep(false);
  }

  setAsleep(asleep) {
    this.asleep = asleep;
    for (const tile of this.tiles.values()) tile.setVisible(tile.root.dataset.inSight === "true" && !asleep);
  }

  choose(count) {
    const first = (this.page - 1) * this.count;
    this.wanted = count;
    this.page = Math.floor(first / count) + 1;
    remember("tiles", String(count));
    this.turn(0);
  }

  turn(by) {
    this.page = Math.min(Math.max(1, this.page + by), this.pages);
    noteAddress("live", "", { tiles: this.wanted, page: this.page > 1 ? this.page : "" });
    this.update();
  }

  // Cameras that are not on this page and should be looked at: a wall in pages must not hide them.
  troubled() {
    return cameras.reports.filter((report, index) => {
      const elsewhere = Math.floor(index / this.count) + 1 !== this.page;
      return elsewhere && (!WELL.includes(report.status) || feed.criticalOf(report.camera_id).length > 0);
    });
  }

  goToTrouble() {
    const [first] = this.troubled();
    if (first) this.turn(Math.floor(cameras.reports.indexOf(first) / this.count) + 1 - this.page);
  }

  refresh() {
    this.title.textContent = say("cameras");
    this.empty.hidden = this.tiles.size > 0;
    this.empty.textContent = say({ true: "noCameras", false: "noCameraList" }[cameras.listed] ?? "loading");
    for (const tile of this.tiles.values()) {
      tile.refresh();
      if (cameras.noteZones(tile.cameraId, tile.header.zones)) this.list.refresh();
    }
    this.sayTools();
  }

  sayTools() {
    const troubled = this.troubled();
    this.elsewhere.hidden = !troubled.length;
    this.elsewhere.textContent = say("elsewhere", { names: troubled.map((report) => report.name || report.camera_id).slice(0, 3).join(", ") + (troubled.length > 3 ? " …" : "") });
    this.sound.textContent = `♪ ${say({ on: "soundOn", off: "soundOff", blocked: "soundBlocked" }[sound.state])}`;
    this.sound.dataset.state = sound.state;
    this.sound.setAttribute("aria-pressed", String(sound.on));
    const state = `${document.documentElement.lang} ${this.count} ${this.page} ${this.pages}`;
    if (state === this.toolsSaid) return; // else the focus would be lost with every second
    this.toolsSaid = state;
    this.layouts.setAttribute("aria-label", say("tiles"));
    this.layouts.replaceChildren(...LAYOUTS.map((count) => this.layoutButton(count)));
    this.pager.hidden = this.pages < 2;
    const earlier = button("‹", () => this.turn(-1));
    const later = button("›", () => this.turn(1));
    earlier.setAttribute("aria-label", say("earlierPage"));
    later.setAttribute("aria-label", say("laterPage"));
    earlier.disabled = this.page <= 1;
    later.disabled = this.page >= this.pages;
    this.pager.replaceChildren(earlier, make("span", { text: say("pageOf", { page: this.page, pages: this.pages }) }), later);
  }

  layoutButton(count) {
    const made = button(String(count), () => this.choose(count), "segment");
    made.append(make("span", { class: "visually-hidden", text: say("tilesOf") }));
    made.setAttribute("aria-pressed", String(count === this.count));
    return made;
  }

  tick() { this.refresh(); }

  relabel() {
    this.refresh();
    this.list.refresh();
  }

  unmount() {
    this.ends.forEach((end) => end());
    this.list.unmount();
    this.watch.disconnect();
    clearTimeout(this.sleep);
    document.removeEventListener("visibilitychange", this.onHidden);
    for (const id of [...this.tiles.keys()]) { this.tiles.get(id).remove(); this.tiles.delete(id); }
  }
}
