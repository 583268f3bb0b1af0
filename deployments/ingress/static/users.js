// Users and tokens, for administrators.

import { ask, getJson, sayProblem } from "./api.js";
import { button, choice, field, make } from "./dom.js";
import { panel, table } from "./table.js";
import { sayTime } from "./times.js";
import { say } from "./words.js";
import "./words_system.js";

const ROLES = ["viewer", "operator", "admin"];

export class UsersView {
  mount(parent) {
    this.said = make("p", { class: "said-line", role: "status" });
    this.users = make("div");
    this.tokens = make("div");
    this.fresh = make("div", { role: "status" });
    parent.replaceChildren(make("div", { class: "page" }, make("h1", { text: say("viewUsers") }), this.said, this.users, this.userForm(), this.tokens, this.tokenForm(), this.fresh));
    this.load();
  }

  async load() {
    const [users, tokens] = await Promise.all(["/api/v1/users", "/api/v1/tokens"].map(getJson));
    this.users.replaceChildren(panel(say("users"), users.ok ? this.userTable(users.content.users) : problem(users)));
    this.tokens.replaceChildren(panel(say("tokens"), tokens.ok ? this.tokenTable(tokens.content.tokens) : problem(tokens)));
  }

  userTable(users) {
    const rows = users.map((user) => {
      const path = `/api/v1/users/${encodeURIComponent(user.name)}`;
      const role = roleChoice(user.role);
      role.setAttribute("aria-label", `${say("role")}: ${user.name}`);
      role.onchange = () => this.send(path, "PATCH", { role: role.value });
      const off = make("input", { type: "checkbox", checked: user.disabled, "aria-label": `${say("disabled")}: ${user.name}` });
      off.onchange = () => this.send(path, "PATCH", { disabled: off.checked });
      return [user.name, role, this.cameraField(user, path), off, this.passwordField(user, path), sayTime(user.created_at, true), sure(say("remove"), () => this.send(path, "DELETE"))];
    });
    return table(say("users"), [say("name"), say("role"), say("camerasAllowed"), say("disabled"), say("newPassword"), say("created"), say("remove")], rows);
  }

  cameraField(user, path) {
    const input = camerasInput(user.cameras);
    input.setAttribute("aria-label", `${say("camerasAllowed")}: ${user.name}`);
    input.onchange = () => this.send(path, "PATCH", { cameras: readCameras(input) });
    return input;
  }

  passwordField(user, path) {
    const input = make("input", { type: "password", maxlength: "256", autocomplete: "new-password", "aria-label": `${say("newPassword")}: ${user.name}` });
    return make("span", { class: "row" }, input, button(say("change"), () => this.send(path, "PATCH", { password: input.value })));
  }

  userForm() {
    const name = make("input", { type: "text", maxlength: "64", autocomplete: "off", spellcheck: "false" });
    const password = make("input", { type: "password", maxlength: "256", autocomplete: "new-password" });
    const role = roleChoice("viewer");
    const allowed = camerasInput(null);
    const body = () => ({ name: name.value.trim(), password: password.value, role: role.value, cameras: readCameras(allowed) });
    return panel(say("addUser"), make("form", { class: "row end", onsubmit: (event) => event.preventDefault() }, field(say("userName"), name), field(say("password"), password),
      field(say("role"), role), field(say("camerasAllowed"), allowed),
      button(say("addUser"), async () => {
        if ((await this.send("/api/v1/users", "POST", body())).ok) name.value = password.value = allowed.value = "";
      }, "button primary")));
  }

  tokenTable(tokens) {
    const rows = tokens.map((token) => [token.name, say(token.role), camerasText(token.cameras), sayTime(token.expires_at, true),
      token.revoked_at ? say("revoked") : sure(say("revoke"), () => this.send(`/api/v1/tokens/${encodeURIComponent(token.token_id)}`, "DELETE"))]);
    return table(say("tokens"), [say("name"), say("role"), say("camerasAllowed"), say("expires"), say("state")], rows);
  }

  tokenForm() {
    const name = make("input", { type: "text", maxlength: "60", autocomplete: "off" });
    const role = roleChoice("viewer");
    const allowed = camerasInput(null);
    const days = make("input", { type: "number", min: "1", max: "730", value: "90" });
    return panel(say("addToken"), make("form", { class: "row end", onsubmit: (event) => event.preventDefault() }, field(say("name"), name), field(say("role"), role),
      field(say("camerasAllowed"), allowed), field(say("days"), days),
      button(say("addToken"), async () => {
        const answer = await this.send("/api/v1/tokens", "POST", { name: name.value.trim(), role: role.value, cameras: readCameras(allowed), expires_in_days: Number(days.value) });
        if (!answer.ok) return;
        name.value = "";
        this.showToken(answer.content.token);
      }, "button primary")));
  }

  showToken(token) {
    const shown = make("textarea", { readonly: true, rows: "3", "aria-label": say("tokenOnce"), text: token });
    this.fresh.replaceChildren(panel(say("tokenOnce"), shown));
    shown.select();
  }

  async send(path, method, body) {
    this.fresh.replaceChildren();
    const answer = await ask(path, { method, body });
    await this.load();
    this.said.textContent = answer.ok ? say("done") : sayProblem(answer);
    this.said.dataset.well = String(answer.ok);
    return answer;
  }

  unmount() {}
}

const problem = (answer) => make("p", { class: "hint", text: sayProblem(answer) });
const roleChoice = (role) => choice(ROLES.map((name) => [name, say(name)]), role);
const camerasText = (cameras) => (cameras === null ? say("allCameras") : cameras.join(", ") || say("none"));
const camerasInput = (cameras) => make("input", { type: "text", maxlength: "2000", autocomplete: "off", spellcheck: "false", placeholder: say("camerasHint"), value: cameras === null ? "" : cameras.join(", ") });

function readCameras(input) {
  const ids = input.value.split(/[\s,]+/).filter(Boolean);
  return ids.length ? ids : null;
}

// Asks once more, in the same place.
function sure(text, work) {
  const made = button(text, () => {
    if (made.dataset.sure) return work();
    made.dataset.sure = "yes";
    made.textContent = say("really");
    return undefined;
  }, "button danger");
  return made;
}
