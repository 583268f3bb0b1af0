// Asks the API. Never throws: what went wrong is in the answer, in words that can be shown.

import { Listeners } from "./dom.js";
import { say } from "./words.js";

const DEADLINE_MS = 8000;
const CHANGES = new Set(["POST", "PUT", "PATCH", "DELETE"]);

export const credentials = { csrf: "" };
export const unauthorized = new Listeners(); // somebody is not signed in any more
export const failed = new Listeners(); // (path, status, detail) of what the server should have answered

// -> { ok, status (0: no answer), content (null: no JSON), etag }
export async function ask(path, { method = "GET", body, ifMatch, deadlineMs = DEADLINE_MS } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (ifMatch) headers["If-Match"] = ifMatch;
  if (CHANGES.has(method) && credentials.csrf) headers["X-CSRF-Token"] = credentials.csrf;
  const options = { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" };
  try {
    const answer = await fetch(path, { ...options, signal: AbortSignal.timeout(deadlineMs) });
    return await read(path, answer);
  } catch (error) {
    failed.tell(path, 0, String(error));
    return { ok: false, status: 0, content: null, etag: null };
  }
}

async function read(path, answer) {
  let content = null;
  try { content = await answer.json(); } catch { /* 204, or a proxy's page */ }
  if (answer.status === 401) unauthorized.tell(path);
  if (answer.status >= 500) failed.tell(path, answer.status, content?.detail ?? "");
  return { ok: answer.ok, status: answer.status, content, etag: answer.headers.get("ETag") };
}

export const getJson = (path) => ask(path);

// One line that says why there is nothing to show.
export function sayProblem(answer) {
  if (answer.status === 0) return say("noAnswer");
  if (answer.status === 404 && !answer.content?.detail?.startsWith("there is no")) return say("notThere");
  if (answer.status === 403) return say("notAllowed");
  const detail = answer.content?.detail ?? answer.content?.title;
  const said = typeof detail === "string" ? detail : "";
  return `${say("refused", { status: answer.status })}${said ? `: ${said}` : ""}`;
}

export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return new URLSearchParams(given).toString();
}
