// Faults of this page go to the server's log: bounded, each only once in a while, and never about the log itself.

import { ask, failed } from "./api.js";

const PATH = "/api/v1/client-logs";
const A_MESSAGE = 20;
const PAUSE_MS = 5000;
const A_MINUTE = 40;
const REPEAT_AFTER_MS = 60000;

const waiting = [];
const lastSaid = new Map();
let sent = [];
let timer = null;
let refused = false;

export function logFault(level, event, message, stack = "") {
  const now = Date.now();
  const key = `${event} ${message}`.slice(0, 200);
  if (refused || now - (lastSaid.get(key) ?? 0) < REPEAT_AFTER_MS || waiting.length >= A_MESSAGE) return;
  if (lastSaid.size > 200) lastSaid.clear();
  lastSaid.set(key, now);
  const at = new Date(now).toISOString();
  waiting.push({ level, event, message: cut(message, 500), url: cut(location.pathname + location.hash, 300), stack: cut(stack, 2000), at });
  timer ??= setTimeout(flush, PAUSE_MS);
}

async function flush() {
  timer = null;
  const now = Date.now();
  sent = sent.filter((moment) => now - moment < 60000);
  const entries = waiting.splice(0, Math.min(A_MESSAGE, A_MINUTE - sent.length));
  waiting.length = 0; // over the limit of a minute: not kept for later
  if (!entries.length) return;
  sent.push(...entries.map(() => now));
  const answer = await ask(PATH, { method: "POST", body: { entries } });
  refused = answer.status === 404;
}

const cut = (text, longest) => String(text ?? "").slice(0, longest);

export function watchFaults() {
  addEventListener("error", (event) => logFault("error", "exception", event.message, event.error?.stack));
  addEventListener("unhandledrejection", (event) => logFault("error", "rejection", String(event.reason), event.reason?.stack));
  failed.add((path, status, detail) => {
    if (path !== PATH) logFault("warning", "request_failed", `${path.split("?")[0]} ${status} ${detail}`);
  });
}
