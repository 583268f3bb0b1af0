// Who is signed in. A session that ends leads to the form; the address stays, so that one goes on where one was.

import { ask, credentials, unauthorized } from "./api.js";
import { Listeners } from "./dom.js";

const RANKS = ["viewer", "operator", "admin"];
const CHECK_PAUSE_MS = 3000;

export const session = { known: false, signedIn: false, signIn: "off", name: "", role: "viewer", ended: false };
export const sessionChanged = new Listeners();
let checkedAt = -Infinity;

export const may = (role) => RANKS.indexOf(session.role) >= RANKS.indexOf(role);
export const isOut = () => session.known && session.signIn === "on" && !session.signedIn;

// Without an answer nothing is known, and the page goes on as it was: the wall says itself that the server is away.
export async function loadSession() {
  checkedAt = performance.now();
  const { ok, status, content } = await ask("/api/v1/session");
  if (status === 404) take({ sign_in: "off", role: "admin" });
  else if (ok) take(content);
}

// A socket that ends without a word may be one that is not let in any more.
export function suspectSession() {
  if (session.signIn === "on" && performance.now() - checkedAt > CHECK_PAUSE_MS) loadSession();
}

export async function signIn(name, password) {
  const answer = await ask("/api/v1/session", { method: "POST", body: { name, password } });
  if (answer.ok) take({ ...answer.content, sign_in: "on", signed_in: true });
  return answer;
}

export async function signOut() {
  await ask("/api/v1/session", { method: "DELETE" });
  session.ended = false;
  take({ sign_in: "on", signed_in: false });
}

function take(content) {
  const before = JSON.stringify(session);
  const wasIn = session.signedIn;
  session.known = true;
  session.signIn = content.sign_in === "on" ? "on" : "off";
  session.signedIn = session.signIn === "on" && content.signed_in === true;
  session.name = content.name ?? "";
  session.role = session.signIn === "off" ? "admin" : RANKS.find((role) => role === content.role) ?? "viewer";
  credentials.csrf = content.csrf ?? "";
  if (session.signedIn) session.ended = false;
  if (before !== JSON.stringify(session)) sessionChanged.tell(wasIn);
}

unauthorized.add((path) => {
  if (path === "/api/v1/session" || isOut()) return;
  session.ended = session.signedIn; // a rollout may also have switched sign-in on: then nobody was signed in
  take({ sign_in: "on", signed_in: false });
});
