"""What the stored picture proves of a model, and what it does not let pass."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from cluster.safety.detections import Detections
from cluster.safety.errors import WeightsError
from cluster.settings.models import DetectorSettings, ModelSettings
from deployments.detector.canary import Canary, canary_of, street
from deployments.detector.model import YoloModel
from deployments.detector.weights import sha256_of, verified

Box = tuple[float, float, float, float]
LEFT, RIGHT = (0.1, 0.1, 0.4, 0.9), (0.6, 0.1, 0.9, 0.9)
CANARY = Canary(np.zeros((200, 320, 3), np.uint8), (("person", LEFT), ("person", RIGHT)), at_least=2)


def found(*objects: tuple[str, Box]) -> Detections:
    return Detections(
        boxes=np.array([box for _, box in objects], np.float32).reshape(-1, 4),
        confidences=np.full(len(objects), 0.9, np.float32),
        labels=tuple(label for label, _ in objects),
        model_digest="d" * 64,
        image_size=320,
        inference_s=0.01,
    )


@pytest.mark.parametrize(
    ("objects", "fault"),
    [
        ([("person", LEFT), ("person", RIGHT)], ""),
        ([("fallen_person", LEFT), ("person", RIGHT), ("person", (0.0, 0.0, 0.1, 0.1))], ""),
        ([("person", (0.12, 0.12, 0.42, 0.88)), ("person", RIGHT)], ""),
        ([], "it finds 0 of 2 known objects"),
        ([("person", LEFT)], "it finds 1 of 2 known objects"),
        ([("helmet", LEFT), ("helmet", RIGHT)], "it finds 0 of 2"),
        ([("person", (0.3, 0.1, 0.6, 0.9)), ("person", RIGHT)], "it finds 1 of 2"),
        ([("person", LEFT), ("person", RIGHT)] * 9, "it finds 18 objects on a stored picture of 2"),
        ([("person", LEFT), ("person", (float("nan"), 0.1, 0.9, 0.9))], "it gives numbers that are not finite"),
    ],
)
def test_an_answer_is_judged_by_what_is_on_the_picture(objects: list[tuple[str, Box]], fault: str) -> None:
    told = CANARY.fault(found(*objects))

    assert told.startswith(fault)
    assert bool(told) == bool(fault)


@pytest.mark.parametrize("image_size", [96, 128, 192, 320, 640])
def test_the_real_weights_find_the_people_in_the_street(entry: ModelSettings, image_size: int) -> None:
    model = YoloModel.load(DetectorSettings(model="fall-s", image_size=image_size, confidence=0.99), entry)

    model.prove()
    assert model.canary_fault() == ""
    assert max(street().image.shape) <= 320


def test_weights_of_noise_behind_the_same_classes_are_refused(entry: ModelSettings, tmp_path: Path) -> None:
    noise = noisy_copy(entry, tmp_path / "noise.pt")
    model = YoloModel.load(DetectorSettings(model="fall-s", image_size=320, runtime="torch"), noise)

    with pytest.raises(WeightsError, match=r"known objects|not finite|objects on a stored picture"):
        model.prove()
    assert model.canary_fault() != ""


def noisy_copy(entry: ModelSettings, file: Path) -> ModelSettings:
    """The same network with the same classes, its weights thrown dice for."""
    import torch
    from ultralytics.models import YOLO

    yolo: Any = YOLO(str(verified(entry)))
    torch.manual_seed(7)
    for weights in yolo.model.parameters():
        torch.nn.init.normal_(weights.data, std=0.05)
    yolo.save(str(file))
    return entry.model_copy(update={"weights": str(file), "sha256": sha256_of(file)})


def test_a_model_that_knows_no_people_proves_only_that_it_counts(entry: ModelSettings) -> None:
    only_falls = entry.model_copy(update={"classes": {"Fall": "fallen_person"}})
    model = YoloModel.load(DetectorSettings(model="fall-s", image_size=320), only_falls)

    model.prove()
    assert (model.has_canary, model.canary_fault()) == (False, "")
    assert not only_falls.proves_detection


def own_canary(entry: ModelSettings, picture: str, **more: object) -> ModelSettings:
    objects = [{"label": "person", "box": [0.253, 0.025, 0.461, 0.929]}]
    return ModelSettings.model_validate(
        entry.model_dump() | {"canary": {"picture": picture, "objects": objects, **more}}
    )


def test_a_model_may_bring_a_canary_of_its_own(entry: ModelSettings, tmp_path: Path) -> None:
    cv2.imwrite(str(file := tmp_path / "gate.png"), street().image)
    model = YoloModel.load(DetectorSettings(model="fall-s", image_size=320), own_canary(entry, str(file)))

    model.prove()
    assert model.canary_fault() == ""


@pytest.mark.parametrize(
    "picture", ["nowhere.jpg", "pyproject.toml", "package:ultralytics/assets/none.jpg", "package:no_such/x.jpg"]
)
def test_a_canary_that_is_no_picture_is_named(entry: ModelSettings, picture: str) -> None:
    with pytest.raises(WeightsError, match=r"is no picture that can be read|is not installed"):
        canary_of(own_canary(entry, picture))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"at_least": 2}, "there are 1 objects"),
        ({"objects": []}, "at least 1 item"),
        ({"objects": [{"label": "person", "box": [0.5, 0, 0.4, 1]}]}, "x1 < x2"),
        ({"objects": [{"label": "helmet", "box": [0, 0, 0.4, 1]}]}, "none of the model's classes"),
    ],
)
def test_a_canary_that_cannot_be_met_is_refused(entry: ModelSettings, changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        own_canary(entry, "gate.png", **changes)
