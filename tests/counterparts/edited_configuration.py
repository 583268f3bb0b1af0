"""Copies of the shipped configuration with one thing changed, and what the check of them says."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from cluster.operation.config_check import check_config
from cluster.operation.findings import Finding, Level

_ROOT = Path(__file__).resolve().parents[2]
_SERVE = yaml.safe_load((_ROOT / "serve_config.yaml").read_text(encoding="utf-8"))
_MODELS = yaml.safe_load((_ROOT / "configs/models.yaml").read_text(encoding="utf-8"))
_SITE = yaml.safe_load((_ROOT / "configs/site.yaml").read_text(encoding="utf-8"))
CAMERA = "applications[1].deployments[0].user_config.cameras[0]"
ZONE = f"{CAMERA}.zones[0]"
DETECTOR = "applications[0].deployments[0].user_config"

Files = dict[str, Any]
"""The three files: serve, models and site, as mappings or as text."""
Edit = Callable[[Files], None]


def cameras_of(files: Files) -> list[dict[str, Any]]:
    cameras: list[dict[str, Any]] = files["serve"]["applications"][1]["deployments"][0]["user_config"]["cameras"]
    return cameras


def camera_of(files: Files) -> dict[str, Any]:
    return cameras_of(files)[0]


def zone_of(files: Files) -> dict[str, Any]:
    zone: dict[str, Any] = camera_of(files)["zones"][0]
    return zone


def detector_of(files: Files) -> dict[str, Any]:
    config: dict[str, Any] = files["serve"]["applications"][0]["deployments"][0]["user_config"]
    return config


def model_of(files: Files) -> dict[str, Any]:
    model: dict[str, Any] = files["models"]["models"][0]
    return model


def put(where: Callable[[Files], dict[str, Any]], key: str, value: Any) -> Edit:
    """This value under this key, in what `where` finds."""

    def edit(files: Files) -> None:
        where(files)[key] = value

    return edit


def top(name: str) -> Callable[[Files], dict[str, Any]]:
    """Where the keys of a whole file stand."""
    return lambda files: files[name]


def text(name: str, content: str) -> Edit:
    """A file with this text, whatever stands in it."""

    def edit(files: Files) -> None:
        files[name] = content

    return edit


def twice(where: Callable[[Files], list[dict[str, Any]]]) -> Edit:
    """The first entry of a list a second time."""

    def edit(files: Files) -> None:
        where(files).append(where(files)[0])

    return edit


def rename(application: int, name: str) -> Edit:
    """Another name for the first deployment of that application."""

    def edit(files: Files) -> None:
        files["serve"]["applications"][application]["deployments"][0]["name"] = name

    return edit


def errors_in(findings: list[Finding]) -> list[str]:
    """The line of each error, with its mend."""
    lines = [f"{finding.text}; {finding.mend}" for finding in findings if finding.level is Level.ERROR]
    assert [line for line in lines if "\n" in line or "S3cret" in line] == []
    return lines


def findings_of(edit: Edit, folder: Path, **opening: Any) -> list[Finding]:
    """The findings on copies of the shipped files with one thing changed."""
    (folder / "clip.mp4").write_bytes(b"not looked into")
    (folder / "empty.mp4").touch()
    (folder / "truncated.pt").write_bytes(b"PK\x03\x04")
    files: Files = {"serve": copy.deepcopy(_SERVE), "models": copy.deepcopy(_MODELS), "site": copy.deepcopy(_SITE)}
    camera_of(files)["source"] = str(folder / "clip.mp4")
    for application in files["serve"]["applications"]:
        if "site" in application["args"]:
            application["args"]["site"] = str(folder / "site.yaml")
    edit(files)
    for name, content in files.items():
        written = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True)
        (folder / f"{name}.yaml").write_text(written.replace("{folder}", str(folder)), encoding="utf-8")
    return check_config(str(folder / "serve.yaml"), models_file=str(folder / "models.yaml"), **opening)[1]
