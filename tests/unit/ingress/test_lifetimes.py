"""When sockets end: the replica stops, a newer release has begun, or the session is long enough."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from counterparts.viewer_sockets import EVENTS, LIVE, client_of, closed_by, frame_of

from cluster.accounts.principal import Principal, PrincipalKind, Role
from cluster.safety.errors import DatabaseUnavailable
from deployments.ingress.lifetimes import RENEW, SERVER_RESTARTS, SUPERSEDED, Lifetimes
from deployments.ingress.pace import Pace
from deployments.ingress.places import NoPlace, Places
from deployments.ingress.succession import Succession


class FakeGenerations:
    """The table in memory."""

    def __init__(self) -> None:
        self.generation, self.release, self.away = 0, "", False

    async def begin(self, release: str) -> int:
        await self.present()
        if release != self.release:
            self.generation, self.release = self.generation + 1, release
        return self.generation

    async def present(self) -> int:
        if self.away:
            raise DatabaseUnavailable("connection refused")
        return self.generation


@pytest.mark.parametrize("path", [LIVE, EVENTS])
def test_a_long_session_is_renewed(site: Any, make: Any, path: str) -> None:
    site.cameras.pictures["gate-1"] = make.picture()
    with client_of(site, replace(make.QUICK, session_age_s=0.2)) as client, client.websocket_connect(path) as socket:
        assert closed_by(socket) == (1012, RENEW)


def test_ages_are_jittered_by_a_tenth(make: Any) -> None:
    asked: list[tuple[float, float]] = []

    def least(low: float, high: float) -> float:
        asked.append((low, high))
        return 0.0

    async def over() -> str:
        return await Lifetimes(replace(make.QUICK, session_age_s=3600), least).over()

    assert asyncio.run(over()) == RENEW
    assert asked == [(0.9, 1.1)]


def test_a_newer_release_ends_the_sockets_that_are_open_and_takes_later_ones(site: Any, make: Any) -> None:
    site.cameras.pictures["gate-1"] = make.picture()
    limits = replace(make.QUICK, superseded_within_s=0.1)
    with client_of(site, limits) as client:
        with client.websocket_connect(LIVE) as live, client.websocket_connect(EVENTS) as events:
            frame_of(live)
            events.receive_json()
            client.portal.call(client.app.state.live.stopping.supersede)

            assert [closed_by(live), closed_by(events)] == [(1012, SUPERSEDED)] * 2
        with client.websocket_connect(LIVE) as later:
            assert frame_of(later)[1]


def test_whoever_stops_says_so_to_sockets_that_are_superseded_too(make: Any) -> None:
    async def over() -> str:
        lifetimes = Lifetimes(replace(make.QUICK, superseded_within_s=3600), max)
        waiting = asyncio.create_task(lifetimes.over())
        await asyncio.sleep(0)
        lifetimes.supersede()
        lifetimes.set()
        return await waiting

    assert asyncio.run(over()) == SERVER_RESTARTS


def test_an_old_release_notices_the_next_one_and_its_own_replicas_are_one_generation(make: Any) -> None:
    async def follow() -> list[int]:
        generations, ended = FakeGenerations(), [0, 0, 0]
        replicas = []
        for index, release in enumerate(("r1", "r1", "r2")):
            lifetimes = Lifetimes(make.QUICK)
            lifetimes.supersede = lambda index=index: ended.__setitem__(index, ended[index] + 1)  # type: ignore[method-assign]
            replicas.append(Succession(generations, release, lifetimes, make.QUICK))
        for replica in (*replicas[:2], *replicas[:2]):
            await replica.look()
        assert ended == [0, 0, 0], "nobody is followed by his own release"
        for replica in (replicas[2], *replicas, *replicas):
            await replica.look()
        return ended

    assert asyncio.run(follow()) == [1, 1, 0]


def test_a_replica_whose_database_is_away_begins_when_it_is_back(make: Any) -> None:
    async def follow() -> int:
        generations = FakeGenerations()
        generations.away = True
        succession = Succession(generations, "r1", Lifetimes(make.QUICK), replace(make.QUICK, generation_every_s=0.001))
        succession.start()
        await asyncio.sleep(0)
        generations.away = False
        async with asyncio.timeout(5):
            while not generations.generation:  # noqa: ASYNC110 - the fake has no event
                await asyncio.sleep(0.001)
        await succession.stop()
        return generations.generation

    assert asyncio.run(follow()) == 1


def test_one_user_leaves_places_for_the_others(site: Any) -> None:
    places = Places(4, site.metrics, of_one=2, streams=1)
    kim, lee = Principal("kim", Role.VIEWER), Principal("kim", Role.VIEWER, kind=PrincipalKind.TOKEN)
    with places.take(kim), places.take(kim):
        with pytest.raises(NoPlace, match="of kim"), places.take(kim):
            pass
        with places.take(lee), places.take(), pytest.raises(NoPlace, match="all 4"), places.take():
            pass
    assert (places.taken, len(places._taken_by)) == (0, 0)


def test_a_pace_makes_up_for_late_turns_without_bursts() -> None:
    pace, now_s, turns = Pace(), 0.0, 0
    while now_s < 10.0:
        now_s += pace.wait_s(now_s) + 0.003  # the loop wakes up late each time
        pace.taken(now_s, 10.0)
        turns += 1
    assert 99 <= turns <= 102

    pace.taken(100.0, 10.0)
    assert pace.wait_s(100.0) == pytest.approx(0.05), "half a turn is made up for after a long pause"
    pace.taken(100.05, 10.0)
    assert pace.wait_s(100.05) == pytest.approx(0.1)
