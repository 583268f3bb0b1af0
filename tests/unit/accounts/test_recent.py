"""What was known a moment ago: asked again soon, kept while the database is away, and never for those that are not."""

import asyncio

import pytest

from cluster.accounts.recent import Recent
from cluster.safety.errors import DatabaseUnavailable

pytestmark = pytest.mark.anyio


class Source:
    def __init__(self) -> None:
        self.value: str | None = "kim"
        self.away = False
        self.asked = 0
        self.now_s = 0.0

    async def ask(self) -> str | None:
        self.asked += 1
        if self.away:
            raise DatabaseUnavailable("connection refused")
        return self.value

    def clock(self) -> float:
        return self.now_s


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def recent(source: Source) -> Recent[str]:
    return Recent(fresh_s=2.0, away_s=600.0, most=3, clock=source.clock)


async def test_it_is_asked_again_after_two_seconds(source: Source, recent: Recent[str]) -> None:
    assert await recent.get("a", source.ask) == "kim"
    source.value = None
    source.now_s = 2.0
    assert await recent.get("a", source.ask) == "kim"
    source.now_s = 2.1

    assert await recent.get("a", source.ask) is None
    assert source.asked == 2


async def test_who_was_known_stays_known_for_ten_minutes_without_a_database(
    source: Source, recent: Recent[str]
) -> None:
    await recent.get("a", source.ask)
    source.away = True
    source.now_s = 600.0
    assert await recent.get("a", source.ask) == "kim"
    source.now_s = 600.1

    with pytest.raises(DatabaseUnavailable):
        await recent.get("a", source.ask)


async def test_a_stranger_is_not_let_in_because_the_database_is_away(source: Source, recent: Recent[str]) -> None:
    await recent.get("a", source.ask)
    source.away = True

    with pytest.raises(DatabaseUnavailable):
        await recent.get("b", source.ask)


async def test_who_was_revoked_is_not_remembered_while_the_database_is_away(
    source: Source, recent: Recent[str]
) -> None:
    await recent.get("a", source.ask)
    source.value, source.now_s = None, 3.0
    assert await recent.get("a", source.ask) is None
    source.away = True

    with pytest.raises(DatabaseUnavailable):
        await recent.get("a", source.ask)


async def test_guesses_take_no_room_and_others_only_what_there_is(source: Source, recent: Recent[str]) -> None:
    for number in range(10):
        await recent.get(f"known-{number}", source.ask)
    source.value = None
    for number in range(100):
        await recent.get(f"guess-{number}", source.ask)

    assert list(recent._known) == ["known-7", "known-8", "known-9"]


async def test_what_was_changed_here_is_asked_about_at_once(source: Source, recent: Recent[str]) -> None:
    await recent.get("a", source.ask)
    source.value = None
    recent.forget_all()

    assert await recent.get("a", source.ask) is None


async def test_a_database_that_hangs_is_not_waited_for_by_who_is_known(source: Source) -> None:
    recent: Recent[str] = Recent(fresh_s=2.0, patience_s=0.01, clock=source.clock)
    await recent.get("a", source.ask)
    source.now_s = 3.0

    assert await recent.get("a", lambda: asyncio.sleep(3600, "nobody")) == "kim"


async def test_who_may_be_known_from_a_little_longer_ago_costs_no_question(source: Source, recent: Recent[str]) -> None:
    await recent.get("a", source.ask)
    source.now_s = 5.0

    assert await recent.get("a", source.ask, 5.0) == "kim"
    assert source.asked == 1
