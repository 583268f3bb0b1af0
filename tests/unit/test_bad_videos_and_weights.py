"""Every video and every file of weights that may not serve gets one line: file, key, value and reason."""

import contextlib
import hashlib
import io
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from counterparts.edited_configuration import (
    CAMERA,
    Files,
    camera_of,
    detector_of,
    errors_in,
    findings_of,
    model_of,
    put,
)

from cluster.operation.examination import probe_quietly
from cluster.operation.weights_verdict import WeightsVerdicts


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

    [error] = errors_in(findings_of(put(camera_of, "source", str(source)), tmp_path, probe=probe_quietly))

    assert error.startswith(f"{tmp_path}/serve.yaml: {CAMERA}.source = '{source}': ")
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
        model_of(files)["weights"] = str(weights / name)
        model_of(files)["sha256"] = hashlib.sha256((weights / name).read_bytes()).hexdigest()
        model_of(files)["classes"] = {class_name: "person"}
        detector_of(files)["runtime"] = runtime

    verdicts = WeightsVerdicts(_in_this_process, tmp_path / "verdicts")
    [error] = errors_in(findings_of(edit, tmp_path, prove=verdicts.prove))

    assert error.startswith(f"{tmp_path}/models.yaml: models[0].weights = '{weights}/{name}': model fall-s: ")
    assert [fragment for fragment in expected if fragment not in error] == []
    assert not (tmp_path / "verdicts").exists(), "a bad verdict is not remembered"


def test_weights_that_may_serve_have_no_fault(weights: Path, tmp_path: Path) -> None:
    verdicts = WeightsVerdicts(_in_this_process, tmp_path / "verdicts")

    findings = findings_of(put(detector_of, "runtime", "torch"), tmp_path, prove=verdicts.prove)

    assert errors_in(findings) == []
    assert len(list((tmp_path / "verdicts").iterdir())) == 1
