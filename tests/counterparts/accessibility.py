"""What somebody who does not see the page, or has no mouse, would stumble over."""

import shutil
import subprocess
from pathlib import Path

AXE = "axe-core@4.14.1"
_CHECKS = """() => {
  const found = [];
  const shown = (one) => one.checkVisibility({ visibilityProperty: true });
  const name = (one) => one.getAttribute("aria-label") || one.textContent.trim() || one.title || one.alt
    || [...(one.labels ?? [])].map((label) => label.textContent.trim()).join("")
    || document.getElementById(one.getAttribute("aria-labelledby"))?.textContent.trim();
  const describe = (one) => one.outerHTML.slice(0, 120);
  const controls = "button, a[href], input, select, textarea, [role=img], [role=button], [tabindex='0']";
  for (const one of document.querySelectorAll(controls)) {
    if (shown(one) && !name(one) && one.tagName !== "TR") found.push(`no name: ${describe(one)}`);
  }
  for (const one of document.querySelectorAll("img:not([alt])")) found.push(`no alt: ${describe(one)}`);
  for (const one of document.querySelectorAll("[tabindex]")) {
    if (one.tabIndex > 0) found.push(`tab order: ${describe(one)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of ids) if (ids.filter((other) => other === id).length > 1) found.push(`id twice: ${id}`);
  if (!document.documentElement.lang) found.push("no language");
  if (document.querySelectorAll("main").length !== 1) found.push("not one main");
  if (!document.querySelector("h1")) found.push("no h1");
  return [...new Set(found)];
}"""
_RUN = """async () => {
  const said = (node) => `${node.target} ${node.any[0]?.message ?? ""}`;
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map(said).join(" | ")}`);
}"""


def own_findings(page):
    """Controls without a name, pictures without a text, ids that stand twice."""
    return page.evaluate(_CHECKS)


def axe_script(folder: Path) -> str | None:
    """The text of axe-core, kept in `folder`; None where it cannot be had, without a network say."""
    kept = folder / f"{AXE.replace('@', '-')}.js"
    if not kept.is_file() and not _fetch(folder, kept):
        return None
    return kept.read_text()


def _fetch(folder: Path, kept: Path) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    if not shutil.which("npm") or not shutil.which("tar"):
        return False
    try:
        # Without a network npm would try again for a minute.
        pack = ["npm", "pack", AXE, "--silent", "--fetch-retries=0"]
        subprocess.run(pack, cwd=folder, check=True, timeout=30, capture_output=True)
        packed = folder / f"{AXE.replace('@', '-')}.tgz"
        script = subprocess.run(
            ["tar", "-xzOf", str(packed), "package/axe.min.js"], check=True, timeout=20, capture_output=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    kept.write_bytes(script.stdout)
    packed.unlink()
    return True


def serious_findings(page, script):
    """What axe-core calls serious or critical."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(script)
    return page.evaluate(_RUN)
