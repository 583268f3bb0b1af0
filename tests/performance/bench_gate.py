"""What the motion gate saves on a mostly still clip with sensor noise, and whether an event is missed by it.

Offline and frame by frame: the product's gate, attention, tracker and rules, the real model at 320, and the clock
of the clip. The model looks at each frame once; both runs take its answers from there.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from bench_part import Result, figure, run
from bench_site import ZONE

_FPS, _SECONDS = 10, 180
_WALK_BEGINS_S = 80.0
_NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_NOISE_SIGMA = 3.0


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame without its picture."""

    camera_id: str
    epoch: int
    sequence: int
    captured_at: datetime
    captured_s: float


def gate(rounds: int) -> Result:
    del rounds  # nothing here depends on time or chance
    wanted, answers = _Gated(), []
    everything = _Watched()
    for index, image in enumerate(_clip()):
        detections = _model().detect_all([_small(image)])[0]
        answers.append(len(detections))
        everything.look(index, detections)
        wanted.offer(index, image, detections)
    ungated, gated = everything.episodes(), wanted.watched.episodes()
    missed = [episode for episode in ungated if not _is_told(episode, gated)]
    figures = {
        "gate.saving": figure([len(answers) / wanted.looks], ">= 5", unit="times fewer inferences"),
        "gate.events_missed": figure([len(missed)], "<= 0", unit="events", of=len(ungated)),
    }
    facts = {"frames": len(answers), "looked_at": wanted.looks, "frames_with_people": sum(n > 0 for n in answers)}
    return {"figures": figures, "clip": facts | {"model": "fall-s at 320"}, "ungated": ungated, "gated": gated}


class _Watched:
    """Tracker and rules behind the frames that are looked at."""

    def __init__(self) -> None:
        from cluster.camera.tracking import Tracker
        from cluster.safety.zone_rules import CameraRules
        from cluster.settings.cameras import CameraSettings

        self.camera = CameraSettings.model_validate({"camera_id": "still", "source": "still.mp4", "zones": [ZONE]})
        self._tracker = Tracker(_FPS)
        self._rules = CameraRules("still", 1, self.camera.zones, fallen=True)
        self._told: dict[str, dict[str, Any]] = {}

    def look(self, index: int, detections: Any) -> Any:
        moment = Moment("still", 1, index + 1, _NOON + timedelta(seconds=index / _FPS), index / _FPS)
        observation = self._tracker.update(moment, detections)
        for event in self._rules.observe(observation):
            at_s = (event.opened_at - _NOON).total_seconds()
            self._told[event.event_id] = {"type": event.event_type, "zone": event.zone_id, "opened_s": at_s}
        return observation

    def episodes(self) -> list[dict[str, Any]]:
        return sorted(self._told.values(), key=lambda told: told["opened_s"])


class _Gated:
    """The same behind the gate."""

    def __init__(self) -> None:
        from cluster.camera.attention import Attention
        from cluster.camera.motion import MotionGate

        self.watched, self.looks = _Watched(), 0
        self._gate, self._attention = MotionGate(), Attention(self.watched.camera)

    def offer(self, index: int, image: Any, detections: Any) -> None:
        now_s = index / _FPS
        if self._gate.wants(image, now_s, busy=self._attention.is_busy(now_s)):
            self.looks += 1
            self._attention.observed(self.watched.look(index, detections))


def _clip() -> Iterator[Any]:
    """Three minutes of an empty workshop with sensor noise; after 80 s somebody walks in, stops in the zone, leaves."""
    from cluster.camera.demo_clip import WALKS
    from cluster.camera.demo_scene import HEIGHT_PX, WIDTH_PX, paste, people, workshop

    empty, walker, walk = workshop(), people()[0], WALKS[0]
    random = np.random.default_rng(11)
    fields = random.normal(0, _NOISE_SIGMA, (12, HEIGHT_PX, WIDTH_PX, 1)).astype(np.float32)
    for index in range(_FPS * _SECONDS):
        scene = empty.copy()
        if (place := walk.place(index / _FPS - _WALK_BEGINS_S)) is not None:
            paste(scene, walker, place[0] * WIDTH_PX, place[1] * HEIGHT_PX)
        scene += np.roll(fields[index % len(fields)], int(random.integers(WIDTH_PX)), axis=1)
        yield np.clip(scene, 0, 255).astype(np.uint8)


def _is_told(episode: dict[str, Any], others: list[dict[str, Any]]) -> bool:
    """Whether one of `others` tells the same, at most a second apart."""
    same = [o["opened_s"] for o in others if (o["type"], o["zone"]) == (episode["type"], episode["zone"])]
    return min((abs(at_s - episode["opened_s"]) for at_s in same), default=math.inf) <= 1.0


def _small(image: Any) -> Any:
    from cluster.camera.shrink import shrink

    return shrink(image, 320)


_loaded: list[Any] = []


def _model() -> Any:
    if not _loaded:
        from cluster.settings.load import load_models
        from cluster.settings.models import DetectorSettings
        from deployments.detector.model import YoloModel

        settings = DetectorSettings(model="fall-s", confidence=0.4, image_size=320)
        _loaded.append(YoloModel.load(settings, load_models().named("fall-s")))
    return _loaded[0]


if __name__ == "__main__":
    run(gate)
