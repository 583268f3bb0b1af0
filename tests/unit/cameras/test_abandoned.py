"""What is shown open of cameras that nobody wants and nobody can speak for."""

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import pytest

from cluster.camera.places import CameraPlace
from cluster.safety.episodes import SavedEpisode
from cluster.safety.errors import DatabaseUnavailable
from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from cluster.safety.left_open import LATE_WORDS, from_event
from deployments.cameras.abandoned import Abandoned

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def opened(event_id: str, epoch: int = 7, state: EpisodeState = EpisodeState.OPEN) -> SavedEpisode:
    kind, severity = "PERSON_IN_ZONE", Severity.CRITICAL
    return from_event(
        SafetyEvent(event_id, 3, "gone", "press", kind, severity, state, "person:1", epoch, "", NOON, NOON)
    )


class Site:
    """Rows, a hand-set clock, and what was told."""

    def __init__(self, *saved: SavedEpisode) -> None:
        self.rows = {"gone": list(saved)}
        self.now_s = 0.0
        self.away = False
        self.told: list[tuple[str, int, SafetyEvent]] = []
        self.abandoned = Abandoned(self, self.tell, lambda: self.now_s)

    async def of_cameras(self) -> dict[str, list[SavedEpisode]]:
        if self.away:
            raise DatabaseUnavailable("away")
        return self.rows

    async def tell(self, camera_id: str, epoch: int, events: Sequence[SafetyEvent]) -> None:
        self.told += [(camera_id, epoch, event) for event in events]

    def look(
        self,
        spoken_for: Collection[str] | None,
        *,
        for_s: float,
        every_s: float = 2.0,
        owner: CameraPlace | None = None,
        backlogged: Collection[str] = (),
    ) -> list[str]:
        until_s = self.now_s + for_s
        while self.now_s < until_s:
            self.now_s += every_s
            with contextlib.suppress(DatabaseUnavailable):
                asyncio.run(self.abandoned.look(spoken_for, {"gone": owner} if owner else {}, backlogged))
        return [event.event_id for _, _, event in self.told]


def test_what_nobody_can_end_is_ended_once_and_after_a_while() -> None:
    site = Site(opened("e-1"), opened("e-2", epoch=9, state=EpisodeState.ESCALATED))

    assert site.look({"gate-1"}, for_s=50) == []
    assert site.look({"gate-1"}, for_s=300) == ["e-1", "e-2"]

    (camera_id, epoch, end), (_, _, other) = site.told
    assert (camera_id, epoch) == ("gone", 9)
    assert (end.state, end.detail["reason"], end.closed_at) == (EpisodeState.CLOSED, "switched off", NOON)
    assert (end.epoch, other.epoch) == (7, 9)
    assert end.revision == 3 + LATE_WORDS + 1, "late words of the dead owner come behind it"


@pytest.mark.parametrize("spoken_for", [{"gone"}, None], ids=["somebody speaks for it", "not known"])
def test_what_may_still_be_somebodys_stays_open(spoken_for: set[str] | None) -> None:
    site = Site(opened("e-1"))

    assert site.look(spoken_for, for_s=300) == []


@pytest.mark.parametrize("between", [{"gone"}, None], ids=["wanted again", "not known"])
def test_the_time_counts_from_when_it_was_learned_last(between: set[str] | None) -> None:
    site = Site(opened("e-1"))

    site.look(set(), for_s=56)
    site.look(between, for_s=2)

    assert site.look(set(), for_s=56) == []
    assert site.look(set(), for_s=30) == ["e-1"]


def test_a_camera_that_leaves_something_open_a_second_time_is_ended_again() -> None:
    site = Site(opened("e-1"))
    site.look(set(), for_s=100)
    site.rows = {}
    site.look(set(), for_s=20)
    site.rows = {"gone": [opened("e-1", epoch=12)]}

    assert site.look(set(), for_s=100) == ["e-1", "e-1"]


def test_words_that_did_not_arrive_are_said_again_and_are_the_same() -> None:
    site = Site(opened("e-1"))

    assert site.look(set(), for_s=600) == ["e-1"]
    assert site.look(set(), for_s=300) == ["e-1", "e-1"]

    (_, _, first), (_, _, second) = site.told
    assert (first.epoch, first.revision, first.closed_at) == (second.epoch, second.revision, second.closed_at)


def test_what_a_new_owner_never_learned_of_is_ended_and_what_it_goes_on_with_is_not() -> None:
    site = Site(opened("e-1"), opened("e-2"), opened("e-3", epoch=12))
    owner = CameraPlace("right", 12, frozenset({"e-2"}))

    assert site.look({"gone"}, for_s=50, owner=owner) == []
    assert site.look({"gone"}, for_s=300, owner=owner) == ["e-1"]

    ((_, _, end),) = site.told
    assert (end.state, end.detail["reason"]) == (EpisodeState.CLOSED, "the camera moved to another node")


def test_an_owner_that_says_nothing_for_a_moment_gets_the_whole_time_again() -> None:
    site = Site(opened("e-1"))
    owner = CameraPlace("right", 12)

    site.look({"gone"}, for_s=56, owner=owner)
    site.look({"gone"}, for_s=2)

    assert site.look({"gone"}, for_s=56, owner=owner) == []
    assert site.look({"gone"}, for_s=30, owner=owner) == ["e-1"]


def test_a_backlog_puts_the_end_off_and_does_not_begin_the_patience_anew() -> None:
    site = Site(opened("e-1"))
    owner = CameraPlace("right", 12)

    assert site.look({"gone"}, for_s=200, owner=owner, backlogged={"gone", "gate-1"}) == []
    assert site.look({"gone"}, for_s=12, owner=owner, backlogged={"gate-1"}) == ["e-1"], "a busy camera, between two"


def test_a_word_that_never_arrives_keeps_no_lost_episode_open_for_ever() -> None:
    site = Site(opened("e-1"))
    owner = CameraPlace("right", 12)

    assert site.look({"gone"}, for_s=600, owner=owner, backlogged={"gone"}) == []
    assert site.look({"gone"}, for_s=100, owner=owner, backlogged={"gone"}) == ["e-1"]


def test_while_the_database_is_away_nobody_has_waited_long_for_the_last_word() -> None:
    site = Site(opened("e-1"))
    owner, backlogged = CameraPlace("right", 12), {"gone"}
    site.look({"gone"}, for_s=100, owner=owner, backlogged=backlogged)

    site.away = True
    site.look({"gone"}, for_s=3600, owner=owner, backlogged=backlogged)
    site.away = False

    assert site.look({"gone"}, for_s=300, owner=owner, backlogged=backlogged) == []
    assert site.look({"gone"}, for_s=12, owner=owner) == ["e-1"]
