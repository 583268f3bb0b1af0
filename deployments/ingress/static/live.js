// A socket that comes back: exponential pauses with jitter, and a watch on silence.

import { logFault } from "./client_log.js";
import { Listeners } from "./dom.js";
import { suspectSession } from "./session.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15000;
const SERVICE_RESTART = 1012;
const RENEWED_WITHIN_MS = 2000;

export function socketAddress(path) {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
}

const open = new Set();
export const wentDown = new Listeners(); // some socket: perhaps the whole server

// The server answers again: nobody needs to wait for the end of a long pause. Spread, because all pages do so.
export function reconnectSoon() {
  for (const one of open) if (!one.socket) one.retryWithin(FIRST_PAUSE_MS * 2);
}

export class Reconnecting {
  // path: () => string, asked anew for each attempt. on: {message, up, down}. A socket that says nothing for
  // silentAfterMs is dropped: a connection can be dead without anybody having closed it.
  constructor(path, on, silentAfterMs) {
    this.path = path;
    this.on = on;
    this.silentAfterMs = silentAfterMs;
    this.attempts = 0;
    this.stopped = false;
    open.add(this);
    this.connect();
  }

  connect() {
    if (this.stopped) return;
    const socket = new WebSocket(socketAddress(this.path()));
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.heard(socket);
    socket.onmessage = (message) => {
      if (socket !== this.socket) return;
      this.attempts = 0;
      clearTimeout(this.renewal);
      this.heard(socket);
      this.on.message(message.data, (answer) => this.send(socket, answer));
    };
    socket.onopen = () => { if (socket === this.socket && this.on.up) this.on.up(); };
    socket.onclose = (event) => this.lost(socket, event.code, event.reason);
  }

  heard(socket) {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => { this.lost(socket, 0, "silence"); socket.close(); }, this.silentAfterMs);
  }

  send(socket, answer) {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(answer));
  }

  lost(socket, code, reason) {
    if (socket !== this.socket || this.stopped) return;
    this.socket = null;
    clearTimeout(this.silence);
    clearTimeout(this.renewal);
    const renewed = code === SERVICE_RESTART && this.attempts === 0;
    // A server that says 1012 has a successor: what is shown stays for a moment, and no longer.
    if (renewed) this.renewal = setTimeout(() => this.on.down(code, reason), RENEWED_WITHIN_MS);
    else this.goDown(code, reason);
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.attempts);
    this.attempts += 1;
    this.retryWithin(longest);
  }

  retryWithin(longestMs) {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), longestMs * (0.5 + Math.random() / 2));
  }

  goDown(code, reason) {
    this.on.down(code, reason);
    wentDown.tell();
    if (code !== 1000) logFault("warning", "socket_lost", `${this.path().split("?")[0]} ${code} ${reason}`);
    suspectSession();
  }

  stop() {
    this.stopped = true;
    open.delete(this);
    clearTimeout(this.silence);
    clearTimeout(this.retry);
    clearTimeout(this.renewal);
    if (this.socket) this.socket.close(1000);
    this.socket = null;
  }
}
