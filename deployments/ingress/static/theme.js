// Dark or light: as the system says until somebody chooses.

import { remember, remembered } from "./storage.js";

const light = matchMedia("(prefers-color-scheme: light)");
let chosen = remembered("theme", ["dark", "light"]);

export const isDark = () => (chosen ? chosen === "dark" : !light.matches);

export function applyTheme() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
}

export function switchTheme() {
  chosen = isDark() ? "light" : "dark";
  remember("theme", chosen);
  applyTheme();
}

light.addEventListener("change", applyTheme);
