// How the system itself is: health, alarms, cameras, replicas, nodes, models, versions.

import { addressOf } from "./address.js";
import { ask, getJson, sayProblem } from "./api.js";
import { cameras } from "./cameras.js";
import { button, every, field, make } from "./dom.js";
import { sayHealthReason, sayPlainly } from "./reasons.js";
import { loadSession, may, session } from "./session.js";
import { panel, table } from "./table.js";
import { sayTime } from "./times.js";
import { say } from "./words.js";
import "./words_system.js";

const EVERY_MS = 5000;
const MODELS_EVERY_MS = 15000;
const LONG_MS = 60000;

export class SystemView {
  mount(parent) {
    this.parts = Object.fromEntries(["alarms", "health", "cameras", "nodes", "deployments", "models"].map((name) => [name, make("div")]));
    this.said = make("p", { class: "said-line", role: "status" });
    parent.replaceChildren(make("div", { class: "page" },
      make("div", { class: "page-head" }, make("h1", { text: say("viewSystem") }), make("a", { href: "/api/v1/docs", text: say("apiPage") })), this.said,
      ...Object.values(this.parts), ...(session.signedIn ? [this.passwordPanel()] : [])));
    this.ends = [every(EVERY_MS, () => this.load()), every(MODELS_EVERY_MS, () => this.loadModels()), cameras.changed.add(() => this.showCameras())];
    this.showCameras();
  }

  async load() {
    const [health, system, alarms] = await Promise.all(["/health", "/api/v1/system", "/api/v1/system/alarms"].map(getJson));
    this.put("health", health, "health", (content) => [healthTable(content)]);
    this.put("alarms", alarms, "alarms", alarmLines);
    this.put("nodes", system, "nodes", (content) => [...faultLines(content.faults), nodeTable(content.nodes), ...gpuTables(content.gpus), make("p", { class: "hint", text: facts(content.figures) })]);
    this.put("deployments", system, "deployments", (content) => [deploymentTable(content.deployments), versionLine(content)]);
  }

  async loadModels() {
    this.put("models", await getJson("/api/v1/models"), "models", (content) => [
      modelTable(content.models ?? [], (name) => this.verify(name)), make("h3", { text: say("detectors") }), replicaTable(content.replicas ?? []),
      ...(may("admin") ? [button(say("reload"), () => this.reload())] : [])]);
  }

  // /health answers 503 when the whole is down, and says why all the same.
  put(name, answer, title, made) {
    const there = answer.ok || (name === "health" && answer.content?.parts);
    const state = JSON.stringify([answer.status, answer.content]);
    if (this.parts[name].dataset.said === state) return; // the focus and the reader's place stay
    this.parts[name].dataset.said = state;
    this.parts[name].replaceChildren(panel(say(title), ...(there ? made(answer.content) : [make("p", { class: "hint", text: sayProblem(answer) })])));
  }

  showCameras() {
    const age = (seconds) => (seconds === null || seconds === undefined ? "—" : say("seconds", { s: seconds.toFixed(1) }));
    const rows = cameras.reports.map((one) => [make("a", { href: addressOf("cameras", one.camera_id), text: one.name || one.camera_id }), statusChip(one), one.capture_fps.toFixed(1),
      one.detect_fps.toFixed(1), age(one.frame_age_s), age(one.inference_age_s), one.dropped_frames, one.reconnects, one.outbox_events, one.node_id.slice(0, 8)]);
    if (this.parts.cameras.contains(document.activeElement)) return;
    const heads = ["name", "health", "captured", "looked", "frameAge", "inferenceAge", "dropped", "reconnects", "queue", "node"].map((key) => say(key));
    this.parts.cameras.replaceChildren(panel(say("camerasTitle"), table(say("camerasTitle"), heads, rows)));
  }

  async verify(name) {
    const answer = await ask(`/api/v1/models/${encodeURIComponent(name)}/verify`, { method: "POST", deadlineMs: LONG_MS });
    this.said.textContent = answer.ok ? `${name}: ${answer.content.ok ? say("verified") : answer.content.reason}` : sayProblem(answer);
  }

  async reload() {
    const answer = await ask("/api/v1/models/reload", { method: "POST", deadlineMs: LONG_MS });
    this.said.textContent = answer.ok ? say("reloaded") : sayProblem(answer);
    await this.loadModels();
  }

  passwordPanel() {
    const old = make("input", { type: "password", autocomplete: "current-password", maxlength: "256" });
    const fresh = make("input", { type: "password", autocomplete: "new-password", maxlength: "256" });
    const send = button(say("change"), async () => {
      const answer = await ask("/api/v1/session/password", { method: "PUT", body: { old: old.value, new: fresh.value } });
      this.said.textContent = answer.ok ? say("done") : sayProblem(answer);
      if (answer.ok) await loadSession(); // it is another session, and changes carry its token
      old.value = fresh.value = "";
    });
    return panel(say("yourPassword"), make("form", { class: "row end", onsubmit: (event) => event.preventDefault() }, field(say("oldPassword"), old), field(say("newPassword"), fresh), send));
  }

  unmount() { this.ends.forEach((end) => end()); }
}

function statusChip(report) {
  const chip = make("span", { class: "count", data: { status: report.status }, text: say(report.status) });
  return make("span", {}, chip, report.reason ? make("span", { class: "hint block", text: sayPlainly(report.reason) || report.reason, title: report.reason }) : null);
}

function healthTable({ parts }) {
  const rows = Object.entries(parts).map(([name, part]) => [sayKnown(`part_${name}`, name), make("span", { class: "state-word", data: { status: part.status }, text: say(part.status) }), make("span", { class: "why-cell", text: sayHealthReason(part.reason, (id) => cameras.nameOf(id)) })]);
  return table(say("health"), [say("part"), say("health"), say("why")], rows);
}

// An Alertmanager that cannot be asked is no good news.
function alarmLines({ configured, alarms, reason }) {
  if (!configured) return [make("p", { class: "hint", text: say("alarmsOff") })];
  if (reason) return [make("p", { class: "warning-line", text: reason })];
  if (!alarms.length) return [make("p", { class: "said-well", text: say("noAlarms") })];
  const korean = document.documentElement.lang === "ko";
  return [make("ul", { class: "shapes" }, ...alarms.map((alarm) => make("li", {}, make("strong", { text: alarm.name }), make("span", { class: "chip", text: sayKnown(alarm.severity.toUpperCase(), alarm.severity) }),
    make("span", { class: "grow", text: (korean ? alarm.summary_ko : alarm.summary_en) || alarm.summary_en || "" }), make("time", { datetime: alarm.since, text: sayTime(alarm.since) }))))];
}

function nodeTable(nodes) {
  const state = (node) => make("span", { class: "state-word", data: { status: node.alive ? "ok" : "down" }, text: say(node.alive ? "alive" : "gone") });
  const rows = nodes.map((node) => [`${node.hostname || node.node_id.slice(0, 8)}${node.head ? " (head)" : ""}`, node.address, state(node), node.cpus, node.gpus, gigabytes(node.memory_bytes)]);
  return table(say("nodes"), [say("name"), say("address"), say("state"), "CPU", "GPU", say("memory")], rows);
}

function gpuTables(gpus) {
  if (!gpus.length) return [];
  const rows = gpus.map((one) => [one.gpu, one.node.slice(0, 8), measured(one.utilization_percent, "%"), `${gigabytes(one.memory_used_bytes)} / ${gigabytes(one.memory_total_bytes)}`, measured(one.temperature_celsius, "°C")]);
  return [table(say("gpus"), [say("gpus"), say("node"), say("load"), say("memory"), say("temperature")], rows)];
}

const faultLines = (faults) => faults.map((text) => make("p", { class: "warning-line", text }));
const measured = (value, unit) => (value === null || value === undefined ? "—" : `${value.toFixed(0)} ${unit}`);
const gigabytes = (bytes) => (bytes === null || bytes === undefined ? "—" : `${(bytes / 2 ** 30).toFixed(1)} GiB`);

function deploymentTable(deployments) {
  const rows = deployments.map((one) => [one.name, one.application, [one.status, one.message].filter(Boolean).join(": "), facts(one.replicas)]);
  return table(say("deployments"), [say("name"), say("application"), say("state"), say("replicas")], rows);
}

function versionLine({ release, versions }) {
  return make("p", { class: "hint", text: `${say("release")} ${release} · ${facts(versions)}` });
}

function modelTable(models, verify) {
  const rows = models.map((one) => [one.name, make("code", { text: (one.sha256 ?? "").slice(0, 12) }), facts(Object.keys(one.classes)), one.licence ?? "", say(one.configured ? "yes" : "no"),
    may("admin") ? button(say("verify"), () => verify(one.name)) : ""]);
  return table(say("models"), [say("model"), say("digestOf"), say("classes"), say("licence"), say("configured"), ""], rows);
}

function replicaTable(replicas) {
  const rows = replicas.map((one) => [one.pid, one.node.slice(0, 8), one.model, make("code", { text: (one.digest ?? "").slice(0, 12) }), `${one.runtime} ${one.device}`, say(one.ready && !one.fallback ? "yes" : "no"), one.error ?? ""]);
  return table(say("detectors"), [say("pid"), say("node"), say("model"), say("digestOf"), say("device"), say("ready"), say("fault")], rows);
}

// What a newer server calls something that this page has no word for stays as it is.
const sayKnown = (key, otherwise) => (say(key) === key ? otherwise : say(key));

// Whatever the API says, in one line.
function facts(value) {
  if (value === null || value === undefined) return "—";
  if (Array.isArray(value)) return value.length ? value.map(facts).join(", ") : "—";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toFixed(1);
  if (typeof value === "object") return Object.entries(value).map(([key, one]) => `${key} ${facts(one)}`).join(" · ") || "—";
  return String(value);
}
