import dataclasses
import json
from datetime import datetime
from pathlib import PurePath

import numpy as np
import pytest
from counterparts.databases import MakeEvent

from cluster.safety.events import SeenObject, Severity
from cluster.storage.records import SnapshotState
from cluster.storage.rows import event_values


@pytest.mark.parametrize(
    ("detail", "kept"),
    [
        ({"dwell_s": float("nan")}, {"dwell_s": None}),
        ({"dwell_s": float("inf"), "n": 3}, {"dwell_s": None, "n": 3}),
        ({"reason": "a\x00b"}, {"reason": "ab"}),
        ({"reason": "half \ud83d"}, {"reason": "half ?"}),
        ({"share": np.float32(0.5), "n": np.int64(2), "ok": True}, {"share": 0.5, "n": 2, "ok": True}),
        ({"kind": Severity.INFO, "where": PurePath("a"), "\x00k": {1}}, {"kind": "INFO", "where": "a", "k": [1]}),
        ({"deep": [{"x": (1.0, float("-inf"))}]}, {"deep": [{"x": [1.0, None]}]}),
    ],
)
def test_what_a_database_would_refuse_for_ever_is_taken_out(make_event: MakeEvent, detail: dict, kept: dict) -> None:
    event = make_event(1, detail=detail, subject="person\x00:1")

    values = event_values(event, SnapshotState.NONE, event.opened_at)

    assert json.loads(json.dumps(values["detail"])) == kept
    assert values["subject"] == "person:1"


def test_numbers_of_numpy_become_json(make_event: MakeEvent) -> None:
    box = tuple(np.array([0.25, 0.5, 0.75, 1.0], np.float32))
    event = make_event(1, objects=(SeenObject("person", np.float32(0.5), box, np.int64(3)),))

    values = event_values(event, SnapshotState.NONE, event.opened_at)

    expected = [{"label": "person", "confidence": 0.5, "box": [0.25, 0.5, 0.75, 1.0], "track_id": 3}]
    assert json.loads(json.dumps(values["objects"])) == expected


@pytest.mark.parametrize("name", ["opened_at", "updated_at", "closed_at"])
def test_a_time_without_zone_is_refused_by_name(make_event: MakeEvent, name: str) -> None:
    event = dataclasses.replace(make_event(1), **{name: datetime(2026, 3, 1)})

    with pytest.raises(ValueError, match=f"event event-001: {name}: .* no time zone"):
        event_values(event, SnapshotState.NONE, make_event(1).opened_at)
