"""Every rule on what the real model really found: its detections on the demo clip, through the real tracker.

The demo weights know people only. Equipment and objects are put into the recording where the real people
stand, as a model that knows them would find them; who has fallen is found by the real weights.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.camera.tracking import Tracker
from cluster.safety.detections import Detections
from cluster.safety.events import EpisodeState, SafetyEvent
from cluster.safety.frames import Frame
from cluster.safety.zone_rules import CameraRules
from cluster.safety.zones import Zone, ZoneKind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRESS = ((0.35, 0.3), (0.65, 0.3), (0.65, 1.0), (0.35, 1.0))
KNOWS = frozenset({"person", "fallen_person", "helmet", "mask", "fire_extinguisher"})
NO_PICTURE = np.zeros((1, 1, 3), np.uint8)

Seen = tuple[str, float, tuple[float, ...]]
Add = Callable[[float, list[Seen]], list[Seen]]


@dataclass
class Told:
    """What a camera with these rules told on the recording."""

    events: list[SafetyEvent] = field(default_factory=list)

    def of(self, event_type: str, state: EpisodeState | None = None) -> list[SafetyEvent]:
        return [e for e in self.events if e.event_type == event_type and state in (None, e.state)]

    def ids(self, event_type: str) -> set[str]:
        return {event.event_id for event in self.of(event_type)}


@pytest.fixture(scope="module")
def recording() -> list[dict[str, Any]]:
    file = Path(__file__).with_name("recordings") / "press.json"
    frames: list[dict[str, Any]] = json.loads(file.read_text())["frames"]
    assert len(frames) == 120
    return frames


def play(recording: list[dict[str, Any]], zone: Zone, add: Add = lambda _, seen: []) -> Told:
    told, tracker, rules = Told(), Tracker(frame_rate=5), CameraRules("gate-1", 1, (zone,), knows=KNOWS)
    for sequence, recorded in enumerate(recording, start=1):
        at_s = recorded["at_s"]
        seen: list[Seen] = [(label, confidence, tuple(box)) for label, confidence, box in recorded["objects"]]
        frame = Frame("gate-1", 1, sequence, NOON + timedelta(seconds=at_s), 100.0 + at_s, NO_PICTURE)
        told.events += rules.observe(tracker.update(frame, detections([*seen, *add(at_s, seen)])))
    return told


def detections(seen: list[Seen]) -> Detections:
    boxes = np.array([box for _, _, box in seen], np.float32).reshape(-1, 4)
    confidences = np.array([confidence for _, confidence, _ in seen], np.float32)
    return Detections(boxes, confidences, tuple(label for label, _, _ in seen), "digest", 320, 0.05, KNOWS)


def on_heads(label: str) -> Add:
    """`label` on the head of every person."""

    def add(_: float, seen: list[Seen]) -> list[Seen]:
        return [(label, 0.8, _head(box)) for name, _, box in seen if name == "person"]

    return add


def _head(box: tuple[float, ...]) -> tuple[float, ...]:
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    return x1 + 0.35 * width, y1, x2 - 0.35 * width, y1 + 0.12 * height


def test_three_people_walk_through_the_danger_zone(recording: list[dict[str, Any]]) -> None:
    told = play(recording, Zone("press", PRESS, cooldown_s=0.0))

    assert len(told.ids("DANGER_ZONE_INTRUSION")) == 3
    assert len(told.of("DANGER_ZONE_INTRUSION", EpisodeState.CLOSED)) == 3
    assert {event.severity.value for event in told.events} == {"CRITICAL"}


def test_who_leaves_and_comes_back_on_the_same_side_goes_on_with_his_event_and_is_told_again(
    recording: list[dict[str, Any]],
) -> None:
    told = play(recording, Zone("press", PRESS, cooldown_s=5.0)).of("DANGER_ZONE_INTRUSION")

    first = [event for event in told if event.event_id == told[0].event_id]
    assert [event.state.value for event in first] == ["open", "closed", "open", "closed"]
    assert first[2].detail["reopened"] == 1


def test_a_warning_zone_escalates_who_stays(recording: list[dict[str, Any]]) -> None:
    told = play(recording, Zone("press", PRESS, ZoneKind.WARNING, escalate_after_s=2.0, cooldown_s=0.0))

    first = told.of("WARNING_ZONE_INTRUSION")[0]
    course = [event for event in told.events if event.event_id == first.event_id]
    assert [event.state.value for event in course] == ["open", "escalated", "closed"]
    assert [event.severity.value for event in course] == ["WARNING", "CRITICAL", "CRITICAL"]


def test_who_stays_longer_than_allowed_is_told_once(recording: list[dict[str, Any]]) -> None:
    short = play(recording, Zone("press", PRESS, ZoneKind.WARNING, dwell_s=2.0, cooldown_s=0.0))
    long = play(recording, Zone("press", PRESS, ZoneKind.WARNING, dwell_s=20.0))

    assert len(short.ids("ZONE_DWELL")) == 3
    assert long.ids("ZONE_DWELL") == set()


def test_who_enters_also_leaves(recording: list[dict[str, Any]]) -> None:
    told = play(recording, Zone("press", PRESS, entrances=True))

    assert len(told.ids("PERSON_ENTRANCE")) == 3
    assert len(told.ids("PERSON_EXIT")) == 3
    assert [event.severity.value for event in told.of("PERSON_EXIT")] == ["INFO"] * 3


@pytest.mark.parametrize(("item", "event_type"), [("helmet", "PPE_HELMET_MISSING"), ("mask", "PPE_MASK_MISSING")])
def test_equipment_is_missing_where_nobody_wears_it_and_only_there(
    recording: list[dict[str, Any]], item: str, event_type: str
) -> None:
    zone = Zone("press", PRESS, require=(item,), missing_after_s=1.0, cooldown_s=0.0)

    without, worn = play(recording, zone), play(recording, zone, on_heads(item))

    assert len(without.ids(event_type)) == 3
    assert worn.ids(event_type) == set()


def test_an_extinguisher_that_is_taken_away_is_told_and_ends_when_it_is_back(recording: list[dict[str, Any]]) -> None:
    zone = Zone("wall", ((0.0, 0.0), (0.3, 0.0), (0.3, 0.5), (0.0, 0.5)), must_contain=("fire_extinguisher",))
    there: Seen = ("fire_extinguisher", 0.7, (0.05, 0.2, 0.09, 0.35))

    always = play(recording, zone, lambda at_s, _: [there])
    taken = play(recording, zone, lambda at_s, _: [] if 6.0 < at_s < 15.0 else [there])

    assert always.events == [event for event in always.events if event.event_type != "FIRE_EXTINGUISHER_MISSING"]
    assert [event.state.value for event in taken.of("FIRE_EXTINGUISHER_MISSING")] == ["open", "closed"]


def test_a_person_on_the_ground_is_found_by_the_real_weights() -> None:
    """The photograph that ultralytics ships, turned so that its people lie."""
    import importlib.util

    import cv2

    from cluster.camera.shrink import shrink
    from cluster.settings.load import load_models
    from cluster.settings.models import DetectorSettings
    from deployments.detector.model import YoloModel

    settings = DetectorSettings(model="fall-s", image_size=320)
    model = YoloModel.load(settings, load_models().named("fall-s"))
    spec = importlib.util.find_spec("ultralytics")
    assert spec is not None
    assert spec.origin is not None
    lying = np.rot90(cv2.imread(str(Path(spec.origin).parent / "assets" / "bus.jpg")))
    found = model.detect_all([shrink(np.ascontiguousarray(lying), 320)])[0]
    tracker, rules = Tracker(frame_rate=5), CameraRules("gate-1", 1, ())

    told: list[SafetyEvent] = []
    for sequence in range(1, 16):
        at_s = sequence / 5
        frame = Frame("gate-1", 1, sequence, NOON + timedelta(seconds=at_s), at_s, NO_PICTURE)
        told += rules.observe(tracker.update(frame, found))

    assert [(event.event_type, event.severity.value) for event in told] == [("PERSON_FALLEN", "CRITICAL")]
