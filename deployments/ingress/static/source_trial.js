// Tries a camera's source before it is saved, and shows its picture, or why there is none in plain words.

import { ask, sayProblem } from "./api.js";
import { button, make } from "./dom.js";
import { sayPlainly } from "./reasons.js";
import { panel } from "./table.js";
import { say } from "./words.js";
import "./words_setup.js";

const DEADLINE_MS = 25000; // the server takes 15 s at most

export class SourceTrial {
  // wanted(): the settings to try, or null while they are wrong
  constructor(wanted) {
    this.wanted = wanted;
    this.button = button(say("testSource"), () => this.run());
    this.result = make("div", { class: "trial", role: "status" });
    this.root = panel(say("testTitle"), make("p", { class: "hint", text: say("testHint") }), this.button, this.result);
    this.root.classList.add("trial-panel");
  }

  async run() {
    const camera = this.wanted();
    if (!camera) return;
    const asked = Symbol("this trial");
    this.asked = asked;
    this.button.disabled = true;
    this.result.replaceChildren(make("p", { text: say("testing") }));
    const answer = await ask("/api/v1/cameras/test", { method: "POST", body: camera, deadlineMs: DEADLINE_MS });
    this.button.disabled = false;
    if (this.asked === asked) this.result.replaceChildren(...outcome(answer));
  }

  // What was tried is no longer what would be saved.
  forget() {
    if (!this.result.hasChildNodes()) return;
    this.asked = null;
    this.result.replaceChildren(make("p", { class: "hint", text: say("testStale") }));
  }
}

function outcome(answer) {
  if (answer.status === 429) return [wrong(say("testBusy"))];
  if (answer.status === 400) return [wrong(sayPlainly("config:")), ...technical(answer.content?.reason ?? answer.content?.detail, answer.content?.mend)];
  if (!answer.ok) return [wrong(sayProblem(answer))];
  const { ok, width, height, fps, codec, picture, code, reason, mend } = answer.content;
  if (!ok) return [wrong(sayPlainly(`${code}:`) || reason), ...technical(reason, mend)];
  const facts = [`${width} × ${height}`, fps ? say("fps", { n: fps }) : "", codec].filter(Boolean).join(" · ");
  return [make("p", { class: "said-well", text: say("testWell", { facts }) }),
    picture ? make("img", { src: `data:image/jpeg;base64,${picture}`, alt: say("testPicture") }) : make("p", { class: "hint", text: say("testNoPicture") })];
}

const wrong = (text) => make("p", { class: "trial-wrong", text });

function technical(reason, mend) {
  return [reason ? say("technical", { text: reason }) : "", mend ? say("mend", { text: mend }) : ""].filter(Boolean).map((text) => make("p", { class: "hint", text }));
}
