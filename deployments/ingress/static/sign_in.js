// The sign-in form. The password is never kept.

import { button, field, make } from "./dom.js";
import { session, signIn } from "./session.js";
import { sayProblem } from "./api.js";
import { say } from "./words.js";

export class SignInView {
  mount(parent) {
    const name = make("input", { type: "text", autocomplete: "username", maxlength: "80", required: true, autocapitalize: "none", spellcheck: "false" });
    const password = make("input", { type: "password", autocomplete: "current-password", maxlength: "256", required: true });
    this.said = make("p", { class: "form-said", role: "alert" });
    this.go = button(say("signIn"), null, "button primary");
    this.go.type = "submit";
    const form = make("form", { class: "sign-in", "aria-labelledby": "sign-in-title" },
      make("h1", { id: "sign-in-title", text: say("signIn") }),
      make("p", { class: "soft", text: say(session.ended ? "signInAgain" : "signInWhy") }),
      field(say("userName"), name), field(say("password"), password), this.said, this.go);
    form.addEventListener("submit", (event) => { event.preventDefault(); this.submit(name, password); });
    parent.replaceChildren(form);
    name.focus();
  }

  async submit(name, password) {
    this.go.disabled = true;
    const answer = await signIn(name.value.trim(), password.value);
    this.go.disabled = false;
    if (answer.ok) return;
    this.said.textContent = { 401: say("signInWrong"), 429: say("signInSlow") }[answer.status] ?? sayProblem(answer);
    password.value = "";
    password.focus();
  }

  unmount() {}
}
