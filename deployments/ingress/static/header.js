// The bar above every view: where one is, how the whole is, and what this browser is set to.

import { addressOf } from "./address.js";
import { getJson } from "./api.js";
import { cameras } from "./cameras.js";
import { button, element, make } from "./dom.js";
import { feed } from "./feed.js";
import { reconnectSoon } from "./live.js";
import { sayHealthReason } from "./reasons.js";
import { isOut, may, session, signOut } from "./session.js";
import { isDark, switchTheme } from "./theme.js";
import { sayClock } from "./times.js";
import { currentLanguage, otherLanguage, say } from "./words.js";

const STATUSES = ["MONITORED", "DEGRADED", "CONNECTING", "UNMONITORED", "DISABLED"];
const VIEWS = [["live", "viewer"], ["events", "viewer"], ["cameras", "operator"], ["system", "viewer"], ["users", "admin"], ["audit", "admin"]];

export class Header {
  constructor(root, languageChosen) {
    this.health = { status: "unknown", parts: {}, cameras: {} };
    this.nav = make("nav", { class: "views" });
    this.dot = make("span", { class: "dot", "aria-hidden": "true" });
    this.word = make("span", { id: "health-word" });
    this.why = make("span", { class: "why" });
    this.healthLine = make("p", { id: "health", class: "health", role: "status", data: { status: "unknown" } }, this.dot, this.word, this.why);
    this.counts = make("ul", { id: "counts", class: "counts" });
    this.clock = make("time", { class: "clock" });
    this.theme = button("", () => { switchTheme(); this.show(); }, "quiet");
    this.theme.id = "theme";
    this.language = button("", languageChosen, "quiet");
    this.language.id = "language";
    this.out = button("", signOut, "quiet");
    this.out.id = "sign-out";
    this.who = make("span", { class: "who" });
    const brand = make("a", { class: "brand", href: addressOf("live") }, make("span", { class: "brand-mark", "aria-hidden": "true" }), make("span", { text: "SAFE-YOLO" }));
    // What sticks below the bar must know how high it is.
    new ResizeObserver(() => document.documentElement.style.setProperty("--bar", `${root.offsetHeight}px`)).observe(root);
    root.replaceChildren(brand, this.nav, make("div", { class: "standing" }, this.healthLine, this.counts),
      make("div", { class: "bar-end" }, this.clock, this.theme, this.language, this.who, this.out));
  }

  // Somebody has noticed that something is wrong: sooner than with the next look.
  askHealthNow() {
    if (performance.now() - this.askedAt > 1000) this.askHealth();
  }

  async askHealth() {
    this.askedAt = performance.now();
    const { content } = await getJson("/health");
    if (content && this.health.status === "unreachable") reconnectSoon();
    this.health.status = ["ok", "degraded", "down"].find((known) => known === content?.status) ?? (content ? "unknown" : "unreachable");
    this.health.cameras = content?.cameras ?? {};
    this.health.parts = content?.parts ?? {};
    this.health.release = content?.release ?? "";
    this.show();
  }

  show(view = this.view) {
    this.view = view;
    const critical = feed.critical.size;
    this.healthLine.dataset.status = this.health.status;
    this.word.textContent = say(this.health.status);
    this.why.textContent = this.sayWhy();
    this.healthLine.title = this.why.textContent;
    const counts = STATUSES.filter((status) => this.health.cameras[status]).map((status) => [status, `${say(status)} ${this.health.cameras[status]}`]);
    if (critical) counts.unshift(["CRITICAL", say("criticalOpen", { n: critical })]);
    this.counts.replaceChildren(...counts.map(([status, text]) => make("li", { class: "count", data: { status }, text })));
    document.title = critical ? `(${critical}) SAFE-YOLO` : "SAFE-YOLO";
    this.showChoices();
    this.showViews();
  }

  sayWhy() {
    const faults = Object.values(this.health.parts).filter((one) => one.status !== "ok" && one.reason);
    return faults.map((one) => sayHealthReason(one.reason, (id) => cameras.nameOf(id))).join(" · ");
  }

  showChoices() {
    this.theme.textContent = say(isDark() ? "toLight" : "toDark");
    this.language.textContent = otherLanguage() === "ko" ? "한국어" : "English";
    this.language.lang = otherLanguage();
    this.out.hidden = this.who.hidden = !session.signedIn;
    this.out.textContent = say("signOut");
    this.who.textContent = session.signedIn ? `${session.name} (${say(session.role)})` : "";
  }

  showViews() {
    this.nav.hidden = this.counts.hidden = isOut();
    const state = `${currentLanguage()} ${this.view} ${session.role}`;
    if (state === this.viewsSaid) return; // the focus stays where it is
    this.viewsSaid = state;
    let current = null;
    const tab = { setup: "cameras", camera: may("operator") ? "cameras" : "live" }[this.view] ?? this.view;
    this.nav.setAttribute("aria-label", say("viewsOfThePage"));
    this.nav.replaceChildren(...VIEWS.filter(([, role]) => may(role)).map(([name]) => {
      const link = element("a");
      link.href = addressOf(name);
      link.textContent = say(`view${name[0].toUpperCase()}${name.slice(1)}`);
      if (name === tab) {
        current = link;
        link.setAttribute("aria-current", "page");
      }
      return link;
    }));
    current?.scrollIntoView({ block: "nearest", inline: "nearest" }); // on a narrow page they do not all fit
  }

  tick() {
    const now = new Date();
    this.clock.dateTime = now.toISOString();
    this.clock.textContent = sayClock(now);
  }
}
