import { make } from "./dom.js";
import { say } from "./words.js";

export class SystemView {
  mount(parent) { parent.replaceChildren(make("p", { class: "empty", text: say("notThere") })); }

  unmount() {}
}
