"""The real model: real weights, real photographs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from cluster.camera.demo_scene import photograph, workshop
from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError, DetectorUnavailable, WeightsError
from cluster.safety.frames import Image
from cluster.safety.geometry import iou
from cluster.settings.models import DetectorSettings, ModelSettings
from deployments.detector.model import YoloModel
from deployments.detector.weights import sha256_of, verified

Make = Callable[..., DetectorSettings]
PHOTOGRAPHS = ("bus.jpg", "zidane.jpg")


@pytest.fixture(scope="module", params=["openvino", "torch"])
def model(request: pytest.FixtureRequest, entry: ModelSettings) -> YoloModel:
    settings = DetectorSettings(model="fall-s", image_size=320, runtime=request.param)
    return YoloModel.load(settings, entry, threads=2)


def shrunk(image: Image, long_side: int) -> Image:
    scale = long_side / max(image.shape[:2])
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def predicted(weights: Path, image: Image, image_size: int) -> list[tuple[tuple[float, ...], float]]:
    """What Ultralytics' own predict says: boxes in 0..1 and confidences."""
    from ultralytics.models import YOLO

    result = YOLO(str(weights)).predict(image, imgsz=image_size, conf=0.4, iou=0.6, device="cpu", verbose=False)[0]
    return [
        (tuple(box), score) for box, score in zip(result.boxes.xyxyn.tolist(), result.boxes.conf.tolist(), strict=True)
    ]


def boxes_of(detections: Detections) -> list[tuple[float, ...]]:
    return [tuple(box) for box in detections.boxes.tolist()]


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("long_side", [320, 1280, 160], ids=["as cameras send it", "larger", "smaller"])
def test_boxes_agree_with_ultralytics_own_predict(
    model: YoloModel, entry: ModelSettings, name: str, long_side: int
) -> None:
    image = shrunk(photograph(name), long_side)

    found = model.detect_all([image])[0]

    expected = predicted(verified(entry), image, 320)
    assert len(found) == len(expected) > 0
    for box, confidence in expected:
        matches = [(iou(other, box), score) for other, score in zip(boxes_of(found), found.confidences, strict=True)]
        overlap, score = max(matches)
        assert overlap >= 0.9
        assert score == pytest.approx(confidence, abs=0.02)


def test_what_comes_back_is_in_the_sites_own_terms(model: YoloModel, entry: ModelSettings) -> None:
    found = model.detect_all([shrunk(photograph("zidane.jpg"), 320)])[0]

    assert found.labels == ("person", "person")
    assert found.boxes.dtype == found.confidences.dtype == np.float32
    assert ((found.boxes >= 0) & (found.boxes <= 1)).all()
    assert (found.confidences >= 0.4).all()
    assert found.model_digest == entry.sha256
    assert found.image_size == 320
    assert found.inference_s > 0
    assert model.knows == {"person", "fallen_person"}


def test_each_picture_of_a_batch_gets_its_own_answer_in_order(model: YoloModel) -> None:
    bus, zidane = (shrunk(photograph(name), 320) for name in PHOTOGRAPHS)
    nobody = np.full_like(zidane, 90)

    together = model.detect_all([zidane, bus, nobody, zidane])

    alone = [model.detect_all([image])[0] for image in (zidane, bus, nobody, zidane)]
    for one, other in zip(together, alone, strict=True):
        assert one.labels == other.labels
        assert one.boxes == pytest.approx(other.boxes, abs=0.005)
    assert [len(one) for one in together] == [2, len(alone[1]), 0, 2]
    assert model.detect_all([]) == []


@pytest.mark.parametrize("shape", [(1, 1), (3, 320), (320, 3), (31, 33), (181, 319), (320, 180), (97, 640), (641, 360)])
def test_a_picture_of_any_shape_is_looked_at(model: YoloModel, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(4).integers(0, 255, (*shape, 3), np.uint8)

    found = model.detect_all([picture])[0]

    assert found.boxes.shape == (len(found), 4)
    assert ((found.boxes >= 0) & (found.boxes <= 1)).all()


def test_a_view_into_another_picture_is_seen_as_it_is_shown(model: YoloModel) -> None:
    """Cropped, mirrored, upside down: pictures whose rows do not lie one after the other."""
    zidane = shrunk(photograph("zidane.jpg"), 320)
    wide = np.full((zidane.shape[0] + 20, zidane.shape[1] + 20, 3), 90, np.uint8)
    wide[10:-10, 10:-10] = zidane

    for view in (wide[10:-10, 10:-10], zidane[:, ::-1], zidane[::-1, ::-1], zidane.transpose(1, 0, 2)):
        found = model.detect_all([view])[0]

        copied = model.detect_all([view.copy()])[0]
        assert found.labels == copied.labels
        assert np.array_equal(found.boxes, copied.boxes)


@pytest.mark.parametrize("together", [1, 2, 3, 5])
def test_pictures_of_different_shapes_do_not_mix(model: YoloModel, together: int) -> None:
    bus, zidane = (shrunk(photograph(name), 320) for name in PHOTOGRAPHS)
    pictures = [zidane, bus, bus[:150], zidane[:, ::-1], zidane][:together]

    found = model.detect_all(pictures)

    for one, picture in zip(found, pictures, strict=True):
        alone = model.detect_all([picture])[0]
        assert one.labels == alone.labels
        assert one.boxes == pytest.approx(alone.boxes, abs=0.005)


def test_two_wait_side_by_side_where_there_are_two_cores(entry: ModelSettings, settings_for: Make) -> None:
    assert [YoloModel.load(settings_for(), entry, threads=threads).lanes for threads in (1, 2, 4)] == [1, 2, 2]


def test_one_core_detects_like_two(entry: ModelSettings, settings_for: Make) -> None:
    bus, zidane = (shrunk(photograph(name), 320) for name in PHOTOGRAPHS)
    one, two = (YoloModel.load(settings_for(), entry, threads=threads) for threads in (1, 2))

    for slow, fast in zip(one.detect_all([bus, zidane, bus]), two.detect_all([bus, zidane, bus]), strict=True):
        assert slow.labels == fast.labels
        assert slow.boxes == pytest.approx(fast.boxes, abs=0.005)


def test_lanes_find_what_the_whole_model_finds_also_beside_each_other(entry: ModelSettings, settings_for: Make) -> None:
    model = YoloModel.load(settings_for(), entry, threads=2)
    pictures = [shrunk(photograph(name), 320) for name in PHOTOGRAPHS]
    wanted = [model.detect_all([picture])[0] for picture in pictures]

    def all_on(lane: int) -> list[Detections]:
        return [model.detect_beside(picture, lane) for _ in range(3) for picture in pictures]

    with ThreadPoolExecutor(2) as workers:
        left, right = workers.map(all_on, range(2))

    for one, due in zip(left + right, wanted * 6, strict=True):
        assert one.labels == due.labels
        assert one.boxes == pytest.approx(due.boxes, abs=0.005)


@pytest.mark.parametrize("bad", [None, 0, 1])
def test_a_model_one_lane_of_which_finds_nothing_is_refused(
    entry: ModelSettings, settings_for: Make, monkeypatch: pytest.MonkeyPatch, bad: int | None
) -> None:
    model = YoloModel.load(settings_for(), entry, threads=2)
    detect = model._backend.detect

    def blind_there(groups: list[Image], confidence: float, iou: float, lane: int | None = None) -> Any:
        found = detect(groups, confidence, iou, lane)
        return [[rows[:0] for rows in group] for group in found] if lane == bad else found

    model.prove()
    monkeypatch.setattr(model._backend, "detect", blind_there)

    with pytest.raises(WeightsError, match="it finds 0 of 3 known objects"):
        model.prove()


def test_the_empty_workshop_is_empty(model: YoloModel) -> None:
    assert len(model.detect_all([shrunk(workshop().astype(np.uint8), 320)])[0]) == 0


def test_a_proof_finds_the_people_in_the_street(model: YoloModel) -> None:
    model.prove()

    assert model.canary_fault() == ""


def test_a_model_that_gives_no_numbers_is_refused(model: YoloModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model._backend, "infer", lambda _: np.array([np.nan]))

    with pytest.raises(WeightsError, match="not finite"):
        model.prove()


def test_an_error_of_the_runtime_becomes_ours(model: YoloModel, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    picture = np.zeros((180, 320, 3), np.uint8)

    def fails_with(error: Exception) -> None:
        def detect(*_: object) -> None:
            raise error

        monkeypatch.setattr(model._backend, "detect", detect)

    fails_with(RuntimeError("mat1 and mat2"))
    with pytest.raises(DetectorError, match="inference failed: RuntimeError: mat1"):
        model.detect_all([picture])
    fails_with(torch.cuda.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(DetectorUnavailable, match="the GPU is out of memory"):
        model.detect_all([picture])


def test_classes_that_are_not_named_are_ignored(entry: ModelSettings, settings_for: Make) -> None:
    only_falls = entry.model_copy(update={"classes": {"Fall": "fallen_person"}})
    model = YoloModel.load(settings_for(), only_falls)

    assert model.knows == {"fallen_person"}
    assert "person" not in model.detect_all([photograph("zidane.jpg")])[0].labels


def test_classes_that_the_model_has_not_are_refused_by_name(entry: ModelSettings, settings_for: Make) -> None:
    wrong = entry.model_copy(update={"classes": {"Normal": "person", "Helm": "helmet"}})

    with pytest.raises(WeightsError, match="no class 'Helm', but 'Normal', 'Fall'"):
        YoloModel.load(settings_for(), wrong)


def test_an_openvino_folder_is_taken_as_it_is(entry: ModelSettings, settings_for: Make, tmp_path: Path) -> None:
    from deployments.detector.export import openvino_export

    folder = shutil.copytree(openvino_export(verified(entry), entry.sha256), tmp_path / "site_openvino_model")
    changes = {"weights": str(folder), "sha256": sha256_of(folder / "model.bin")}

    model = YoloModel.load(settings_for(), entry.model_copy(update=changes))

    assert model.runtime == "openvino"
    assert len(model.detect_all([photograph("zidane.jpg")])[0]) == 2


@pytest.mark.parametrize(
    ("task", "classes"),
    [("segment", "yolov8n-seg.yaml"), ("classify", "yolov8n-cls.yaml"), ("pose", "yolov8n-pose.yaml")],
)
def test_weights_of_another_task_are_refused(
    entry: ModelSettings, settings_for: Make, tmp_path: Path, task: str, classes: str
) -> None:
    from ultralytics.models import YOLO

    YOLO(classes, task=task, verbose=False).save(file := tmp_path / "other.pt")
    other = entry.model_copy(update={"weights": str(file), "sha256": sha256_of(file)})

    with pytest.raises(WeightsError, match="another task"):
        YoloModel.load(settings_for(runtime="torch"), other)


def test_a_file_that_no_runtime_reads_is_one_clear_line(
    entry: ModelSettings, settings_for: Make, tmp_path: Path
) -> None:
    (file := tmp_path / "wrong.onnx").write_bytes(b"not a network")
    wrong = entry.model_copy(update={"weights": str(file), "sha256": sha256_of(file)})

    with pytest.raises(WeightsError, match=r"wrong\.onnx: cannot be opened") as refused:
        YoloModel.load(settings_for(), wrong)

    assert "\n" not in str(refused.value)


def test_ultralytics_neither_goes_online_nor_writes_beside_the_weights(entry: ModelSettings, tmp_path: Path) -> None:
    beside = sorted(verified(entry).parent.iterdir())
    script = """
import socket
def refused(*args, **kwargs): raise SystemExit(f"went online: {args}")
socket.socket.connect = socket.getaddrinfo = refused
from cluster.settings.load import load_models
from cluster.settings.models import DetectorSettings
from deployments.detector.model import YoloModel
YoloModel.load(DetectorSettings(model="fall-s", image_size=320), load_models().named("fall-s")).prove()
from ultralytics.utils import SETTINGS
assert not SETTINGS["sync"]
"""
    environment = {**os.environ, "SAFE_YOLO_CACHE": str(tmp_path), "HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=240, check=False
    )

    assert done.returncode == 0, done.stderr
    assert sorted(verified(entry).parent.iterdir()) == beside
    assert not (tmp_path / "home").exists()


class FixedBackend:
    """An export that was frozen to one size, and finds what it is told, in pixels of that size."""

    runtime, device, stride, lanes = "onnx", "cpu", 32, 1
    class_names: ClassVar = {0: "Normal", 1: "Fall"}

    def __init__(self, size: tuple[int, int], rows: list[tuple[float, ...]] | None = None) -> None:
        self.fixed_size = size
        self.rows = np.array(rows or [], np.float32).reshape(-1, 6)

    def detect(
        self, groups: list[Image], confidence: float, iou: float, lane: int | None = None
    ) -> list[list[np.ndarray]]:
        return [[self.rows for _ in group] for group in groups]


@pytest.mark.parametrize("size", [(1184, 1184), (736, 1280), (1280, 736)])
def test_an_export_whose_frames_fit_no_message_is_refused(
    entry: ModelSettings, settings_for: Make, size: tuple[int, int]
) -> None:
    with pytest.raises(WeightsError, match=rf"fall-s: the export takes {max(size)} pixels .* of 4194304 bytes.*1152"):
        YoloModel(FixedBackend(size), settings_for(), entry)  # type: ignore[arg-type]


def test_the_largest_export_whose_frames_fit_is_taken(entry: ModelSettings, settings_for: Make) -> None:
    assert YoloModel(FixedBackend((1152, 1152)), settings_for(), entry).image_size == 1152  # type: ignore[arg-type]


def test_a_body_that_lies_and_stands_at_once_is_told_once(entry: ModelSettings, settings_for: Make) -> None:
    rows = [(10, 200, 150, 250, 0.6, 0), (12, 198, 150, 250, 0.8, 1), (200, 50, 250, 250, 0.9, 0)]
    model = YoloModel(FixedBackend((320, 320), rows), settings_for(), entry)  # type: ignore[arg-type]

    found = model.detect_all([np.zeros((320, 320, 3), np.uint8)])[0]

    assert found.labels == ("fallen_person", "person")
    assert found.confidences == pytest.approx([0.8, 0.9])
