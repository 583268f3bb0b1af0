"""The one place between capture and its readers."""

import threading
from datetime import UTC, datetime

import numpy as np

from cluster.camera.latest_frame import LatestFrame
from cluster.safety.frames import Frame

_GENEROUS_S = 30.0


def frame(sequence: int) -> Frame:
    return Frame("gate-1", 1, sequence, datetime(2026, 1, 1, tzinfo=UTC), 0.0, np.zeros((2, 2, 3), np.uint8))


def test_the_newest_frame_wins():
    place = LatestFrame()
    place.put(frame(1))
    place.put(frame(2))

    assert place.take(0, 0).sequence == 2


def test_a_frame_that_was_seen_is_not_given_again():
    place = LatestFrame()
    place.put(frame(2))

    assert place.take(1, 0).sequence == 2
    assert place.take(2, 0) is None


def test_an_empty_place_gives_none_in_time():
    assert LatestFrame().take(0, 0.01) is None


def test_a_cleared_place_shows_no_old_frame():
    place = LatestFrame()
    place.put(frame(1))

    place.clear()

    assert place.take(0, 0) is None


def waiting_for(place: LatestFrame, after: int) -> tuple[threading.Thread, list[Frame | None]]:
    taken: list[Frame | None] = []
    thread = threading.Thread(target=lambda: taken.append(place.take(after, _GENEROUS_S)), daemon=True)
    thread.start()
    return thread, taken


def test_who_waits_gets_the_next_newer_frame():
    place = LatestFrame()
    place.put(frame(1))
    thread, taken = waiting_for(place, 1)

    place.put(frame(1))
    place.put(frame(2))
    thread.join(_GENEROUS_S)

    assert taken[0].sequence == 2


def test_several_readers_each_see_the_frame():
    place = LatestFrame()
    readers = [waiting_for(place, 0) for _ in range(3)]

    place.put(frame(1))
    for thread, _ in readers:
        thread.join(_GENEROUS_S)

    assert [taken[0].sequence for _, taken in readers] == [1, 1, 1]


def test_close_wakes_who_waits_and_takes_nothing_more():
    place = LatestFrame()
    thread, taken = waiting_for(place, 0)

    place.close()
    thread.join(_GENEROUS_S / 2)
    place.put(frame(1))

    assert taken == [None]
    assert place.take(0, 0.0) is None
