import json
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cluster.camera.episode_file import OutboxRecord, decode, encode
from cluster.camera.event_codec import event_from_json, event_to_json
from cluster.safety.events import EpisodeState, SafetyEvent, SeenObject, Severity

_SHARE = st.floats(0, 1)
_TIMES = st.datetimes(
    datetime(2000, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.integers(-14, 14).map(lambda h: timezone(timedelta(hours=h))),
)
_OBJECTS = st.builds(
    SeenObject, st.text(), _SHARE, st.tuples(_SHARE, _SHARE, _SHARE, _SHARE), st.none() | st.integers(0)
)
_DETAIL = st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()))
_EVENTS = st.builds(
    SafetyEvent,
    event_id=st.uuids().map(str),
    revision=st.integers(1),
    camera_id=st.text(),
    zone_id=st.text(),
    event_type=st.text(),
    severity=st.sampled_from(Severity),
    state=st.sampled_from(EpisodeState),
    subject=st.text(),
    epoch=st.integers(1),
    correlation_id=st.text(),
    opened_at=_TIMES,
    updated_at=_TIMES,
    closed_at=st.none() | _TIMES,
    model_digest=st.text(),
    objects=st.lists(_OBJECTS).map(tuple),
    detail=_DETAIL,
)


@given(_EVENTS)
def test_an_event_comes_back_as_it_was(event: SafetyEvent) -> None:
    text = json.dumps(event_to_json(event))

    assert event_from_json(json.loads(text)) == event


@given(_EVENTS)
def test_a_record_comes_back_as_it_was(event: SafetyEvent) -> None:
    record = OutboxRecord(7, (event,), (event.event_id,), ({"zone": "a", "since": 1.5},))

    assert decode(encode(record)) == record


def test_times_are_written_in_utc(make_event) -> None:
    seoul = datetime(2026, 11, 22, 9, tzinfo=timezone(timedelta(hours=9)))

    content = event_to_json(make_event(opened_at=seoul))

    assert content["opened_at"] == "2026-11-22T00:00:00+00:00"


def test_a_time_that_forgot_its_zone_is_taken_as_utc(make_event) -> None:
    content = event_to_json(make_event(opened_at=datetime(2026, 11, 22, 9)))

    assert event_from_json(content).opened_at == datetime(2026, 11, 22, 9, tzinfo=UTC)


def test_numpy_numbers_do_not_cost_the_event(make_event) -> None:
    seen = SeenObject("person", np.float32(0.5), tuple(np.array([0, 0, 1, 1], np.float32)), np.int64(4))
    event = make_event(objects=(seen,), detail={"dwell_s": np.float64(2.5)})

    record = decode(encode(OutboxRecord(1, (event,), (), ())))

    assert record.events[0].objects == (SeenObject("person", 0.5, (0.0, 0.0, 1.0, 1.0), 4),)
    assert record.events[0].detail == {"dwell_s": 2.5}


def test_keys_of_a_newer_release_are_passed_over(make_event) -> None:
    event = make_event()

    assert event_from_json({**event_to_json(event), "added_later": 1}) == event
