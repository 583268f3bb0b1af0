// Puts the page together: header, wall and events, and asks the API now and then.

import { Events } from "./events.js";
import { getJson } from "./live.js";
import { element, Wall } from "./wall.js";
import { currentLanguage, otherLanguage, say, setLanguage } from "./words.js";

const CAMERAS_EVERY_MS = 3000;
const HEALTH_EVERY_MS = 5000;
const STATUSES = ["MONITORED", "DEGRADED", "CONNECTING", "UNMONITORED", "DISABLED"];

const part = (id) => document.getElementById(id);
const health = { status: "unknown", why: "", cameras: {} };
const wall = new Wall(part("wall"), part("wall-empty"));
const events = new Events({
  list: part("events"), empty: part("events-empty"), title: part("events-title"), link: part("events-link"),
  viewer: {
    dialog: part("viewer"), picture: part("viewer-picture"), text: part("viewer-text"), told: part("viewer-told"),
    name: part("viewer-name"), label: part("viewer-label"), acknowledge: part("viewer-acknowledge"),
  },
}, wall, showHeader);

async function askCameras() {
  try {
    const { ok, content } = await getJson("/api/v1/cameras");
    wall.update(ok ? content.cameras : null);
  } catch {
    wall.update(null);
  }
  events.refresh();
}

async function askHealth() {
  try {
    const { content } = await getJson("/health");
    health.status = ["ok", "degraded", "down"].find((known) => known === content.status) ?? "unknown";
    health.cameras = content.cameras ?? {};
    health.why = Object.values(content.parts ?? {}).filter((one) => one.status !== "ok").map((one) => one.reason).join(" · ");
  } catch {
    Object.assign(health, { status: "unreachable", why: "", cameras: {} });
  }
  showHeader();
}

function showHeader() {
  const critical = wall.criticalCount();
  part("health").dataset.status = health.status;
  part("health-word").textContent = say(health.status);
  part("health-why").textContent = health.why;
  part("health").title = health.why;
  const counts = STATUSES.filter((status) => health.cameras[status]).map((status) => [status, `${say(status)} ${health.cameras[status]}`]);
  if (critical) counts.unshift(["CRITICAL", say("criticalOpen", { n: critical })]);
  part("counts").replaceChildren(...counts.map(([status, text]) => {
    const item = element("li", "count");
    item.dataset.status = status;
    item.textContent = text;
    return item;
  }));
  document.title = critical ? `(${critical}) SAFE-YOLO` : "SAFE-YOLO";
}

function showLanguage() {
  document.documentElement.lang = currentLanguage();
  part("language").textContent = otherLanguage() === "ko" ? "한국어" : "English";
  part("wall-title").textContent = say("cameras");
  wall.refresh();
  events.refresh();
  showHeader();
}

function showClock() {
  const now = new Date();
  part("clock").dateTime = now.toISOString();
  part("clock").textContent = now.toLocaleTimeString("en-GB");
}

function every(pauseMs, work) {
  // The next one starts when the last one ended: a slow server is not asked more and more.
  const again = async () => { await work(); setTimeout(again, pauseMs); };
  again();
}

part("language").onclick = () => { setLanguage(otherLanguage()); showLanguage(); };
showLanguage();
every(1000, async () => { showClock(); wall.refresh(); });
every(CAMERAS_EVERY_MS, askCameras);
every(HEALTH_EVERY_MS, askHealth);
