// Puts the page together: who is signed in, which view the address says, and what every view shares.

import { readAddress, takeLinkedEvent } from "./address.js";
import { cameras } from "./cameras.js";
import { logFault, watchFaults } from "./client_log.js";
import { every, make } from "./dom.js";
import { detail } from "./event_detail.js";
import { feed } from "./feed.js";
import { Header } from "./header.js";
import { wentDown } from "./live.js";
import { isOut, loadSession, may, session, sessionChanged } from "./session.js";
import { SignInView } from "./sign_in.js";
import { applyTheme } from "./theme.js";
import { WallView } from "./wall.js";
import { currentLanguage, otherLanguage, say, sayType, setLanguage } from "./words.js";

const HEALTH_EVERY_MS = 5000;
const SESSION_EVERY_MS = 30000;
const OTHERS_AFTER_MS = 2000;
const VIEWS = { live: WallView, "sign-in": SignInView };
// The wall begins with what it needs itself. The others follow soon, so that all modules are of one release.
const OTHERS = {
  events: async () => (await import("./events.js")).EventsView,
  cameras: async () => (await import("./camera_list.js")).CameraListView,
  camera: async () => (await import("./camera.js")).CameraView,
  setup: async () => (await import("./camera_setup.js")).CameraSetupView,
  system: async () => (await import("./system.js")).SystemView,
  users: async () => (await import("./users.js")).UsersView,
  audit: async () => (await import("./audit.js")).AuditView,
};
const LEAST = { cameras: "operator", setup: "operator", users: "admin", audit: "admin" };

const part = (id) => document.getElementById(id);
const content = part("content");
const header = new Header(part("bar"), () => { setLanguage(otherLanguage()); showLanguage(); });
let view = null;
let shown = "";

// The view that the address says, if one may see it.
function wantedView() {
  if (isOut()) return "sign-in";
  const { view: name, id } = readAddress();
  const wanted = name === "cameras" && id ? "camera" : name;
  const isOne = wanted === "live" || Object.hasOwn(OTHERS, wanted);
  return isOne && may(LEAST[wanted] ?? "viewer") ? wanted : "live";
}

// Mounts what the address says; the same view with another query only takes the query.
function showView(anew = false) {
  const name = wantedView();
  if (!VIEWS[name]) return loadOthers();
  const { id, query } = readAddress();
  const key = name === "sign-in" ? name : `${name} ${id}`;
  const moved = shown !== "" && key !== shown;
  if (key === shown && !anew) view.update?.(query);
  else {
    shown = key;
    replaceView(VIEWS[name], query, id);
  }
  header.show(name);
  if (moved && name !== "sign-in") content.focus({ preventScroll: true });
  return undefined;
}

async function loadOthers() {
  try {
    await Promise.all(Object.entries(OTHERS).map(async ([name, load]) => { VIEWS[name] ??= await load(); }));
  } catch (error) { // the server is away
    setTimeout(loadOthers, HEALTH_EVERY_MS);
    logFault("error", "views_not_loaded", error.message, error.stack);
    if (!VIEWS[wantedView()]) content.replaceChildren(make("p", { class: "empty", role: "alert", text: say("noAnswer") }));
    return;
  }
  if (shown.split(" ")[0] !== wantedView()) showView();
}

function replaceView(View, query, id) {
  try {
    view?.unmount();
    view = new View();
    view.mount(content, query, id);
  } catch (error) { // the border of a view: the others go on
    logFault("error", "view_failed", error.message, error.stack);
    content.replaceChildren(make("p", { class: "empty", role: "alert", text: say("pageFailed") }));
    view = { unmount() {} };
  }
}

function showLanguage() {
  document.documentElement.lang = currentLanguage();
  part("skip").textContent = say("skip");
  detail.dialog?.close();
  if (view?.relabel) view.relabel();
  else if (view) showView(true);
  header.show();
}

// One sentence for those who hear the page instead of seeing it.
function sayAlarm(event, isNews) {
  header.show();
  detail.refresh(event);
  if (!isNews || event.severity !== "CRITICAL" || event.state === "closed" || event.acknowledged) return;
  part("alarm-words").textContent = say("alarmSaid", { what: sayType(event.event_type), where: cameras.nameOf(event.camera_id) });
}

function follow() {
  if (isOut()) {
    detail.dialog?.close();
    feed.stop();
    cameras.forget();
  } else {
    feed.start();
    cameras.start();
  }
  showView(true);
}

watchFaults();
applyTheme();
takeLinkedEvent();
document.documentElement.lang = currentLanguage();
part("skip").textContent = say("skip");
part("skip").onclick = (clicked) => { clicked.preventDefault(); content.focus(); };
feed.happened.add(sayAlarm);
sessionChanged.add(follow);
wentDown.add(() => header.askHealthNow());
addEventListener("hashchange", () => showView());
await loadSession();
if (!session.known) follow();
every(1000, async () => { header.tick(); view?.tick?.(); });
every(HEALTH_EVERY_MS, () => header.askHealth());
every(SESSION_EVERY_MS, async () => { if (session.signIn === "on" || !session.known) await loadSession(); });
setTimeout(loadOthers, OTHERS_AFTER_MS);
