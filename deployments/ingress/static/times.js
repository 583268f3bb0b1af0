// Times in the site's zone, wherever the reader sits; the page's html says which zone that is.

import { currentLanguage } from "./words.js";

const zone = known(document.documentElement.dataset.timeZone);

function known(name) {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name || undefined }).resolvedOptions().timeZone;
  } catch {
    return undefined; // the browser's own
  }
}

export const timeZone = () => zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

const dayOf = (moment) => moment.toLocaleDateString("en-CA", { timeZone: zone });

export function sayTime(iso, withDate = false) {
  const moment = new Date(iso);
  if (!iso || Number.isNaN(moment.getTime())) return "";
  const date = withDate || dayOf(moment) !== dayOf(new Date()) ? { month: "short", day: "numeric" } : {};
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  return moment.toLocaleString(currentLanguage(), { ...date, ...clock, timeZone: zone });
}

export function sayHour(iso) {
  return new Date(iso).toLocaleString("en-GB", { day: "numeric", month: "numeric", hour: "2-digit", minute: "2-digit", timeZone: zone }).replace(/^(\d+)\/(\d+), /, "$2/$1 ");
}

export function sayClock(moment) {
  return moment.toLocaleTimeString("en-GB", { timeZone: zone });
}

// Minutes that the site is ahead of UTC at `moment`.
function offsetMinutes(moment) {
  const parts = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(moment);
  const found = /GMT([+-])(\d{2}):(\d{2})/.exec(parts.find((part) => part.type === "timeZoneName").value);
  return found ? (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3])) : 0;
}

// What a datetime-local field says ("2026-11-23T08:30", the site's time) as UTC, and back. "" stays "".
export function toUtc(local) {
  if (!local) return "";
  const guess = new Date(`${local}Z`);
  if (Number.isNaN(guess.getTime())) return "";
  const near = new Date(guess - offsetMinutes(guess) * 60000);
  return new Date(guess - offsetMinutes(near) * 60000).toISOString().replace(/\.\d+Z$/, "Z");
}

export function toLocal(iso) {
  const moment = new Date(iso);
  if (!iso || Number.isNaN(moment.getTime())) return "";
  return new Date(moment.getTime() + offsetMinutes(moment) * 60000).toISOString().slice(0, 16);
}

export function sayDuration(seconds, language = currentLanguage()) {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.round(seconds % 60)];
  if (minutes < 1) return language === "ko" ? `${rest}초` : `${rest} s`;
  if (minutes < 120) return language === "ko" ? `${minutes}분 ${rest}초` : `${minutes} min ${rest} s`;
  return language === "ko" ? `${Math.floor(minutes / 60)}시간 ${minutes % 60}분` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
