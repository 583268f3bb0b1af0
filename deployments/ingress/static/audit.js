import { make } from "./dom.js";
import { say } from "./words.js";

export class AuditView {
  mount(parent) { parent.replaceChildren(make("p", { class: "empty", text: say("notThere") })); }

  unmount() {}
}
