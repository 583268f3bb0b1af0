// The list of cameras, asked for now and then while somebody looks.

import { getJson } from "./api.js";
import { every, Listeners } from "./dom.js";

const EVERY_MS = 3000;

class Cameras {
  constructor() {
    this.reports = [];
    this.listed = null; // null: not asked yet, false: the list cannot be had
    this.changed = new Listeners();
    this.zoneNames = new Map();
  }

  start() {
    this.stop();
    this.end = every(EVERY_MS, () => this.load());
  }

  stop() {
    this.end?.();
    this.end = null;
  }

  // Who signs in next may see others.
  forget() {
    this.stop();
    this.reports = [];
    this.listed = null;
    this.zoneNames.clear();
  }

  async load() {
    const { ok, content } = await getJson("/api/v1/cameras");
    this.listed = ok && Array.isArray(content?.cameras);
    if (this.listed) this.reports = content.cameras;
    this.changed.tell();
  }

  report(id) { return this.reports.find((report) => report.camera_id === id) ?? null; }

  nameOf(id) { return this.report(id)?.name || id; }

  // Zones are named in live pictures and in the lists of zones; whoever has such a name says it here. -> whether it is news
  noteZones(id, zones) {
    const news = zones.filter((zone) => zone.name && zone.name !== this.zoneNames.get(`${id} ${zone.zone_id}`));
    for (const zone of news) this.zoneNames.set(`${id} ${zone.zone_id}`, zone.name);
    return news.length > 0;
  }

  zoneName(id, zoneId) { return this.zoneNames.get(`${id} ${zoneId}`) || zoneId; }
}

export const cameras = new Cameras();
