"""The page of the whole cluster, with nodes that answer, hang, fail and go."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from cluster.telemetry.cluster_metrics import KEEP_S, MISSING_S, STALE_S, ClusterMetrics, MetricsPorts, NodeExport
from cluster.telemetry.instruments import Declared, Kind, Merge

FRAMES = Declared("frames_total", Kind.COUNTER, "Frames.", ("camera_id",))
SOCKETS = Declared("sockets", Kind.GAUGE, "Sockets.", merge=Merge.SUM)
UP = Declared("metrics_hub_node_up", Kind.GAUGE, "Up.", ("node",))
DECLARED = {metric.name: metric for metric in (FRAMES, SOCKETS, UP)}
GATE = 'frames_total{camera_id="gate"}'


class Site:
    """Nodes, their exports, and what is remembered; a value that is an exception is raised."""

    def __init__(self) -> None:
        self.exports: dict[str, str | Exception] = {}
        self.names: dict[str, str] = {}
        self.saved = b""
        self.head_away = self.forgotten = self.cannot_save = False
        self.now_s = 100.0
        self.fetched = 0

    def hub(self) -> ClusterMetrics:
        return ClusterMetrics(DECLARED, MetricsPorts(self.nodes, self.fetch, self), clock=lambda: self.now_s)

    async def nodes(self) -> Sequence[NodeExport]:
        if self.head_away:
            raise TimeoutError("Ray's head does not answer")
        if self.forgotten:
            return []
        return [NodeExport(node_id, self.names.get(node_id, node_id), node_id) for node_id in self.exports]

    async def fetch(self, url: str) -> str:
        self.fetched += 1
        await asyncio.sleep(0)
        export = self.exports[url]
        if isinstance(export, Exception):
            raise export
        return export

    async def load(self) -> bytes:
        return self.saved

    async def save(self, totals: bytes) -> None:
        if self.cannot_save:
            raise TimeoutError
        self.saved = totals


def values(page: bytes) -> dict[str, float]:
    lines = [line for line in page.decode().splitlines() if not line.startswith("#")]
    return {sample: float(value) for sample, _, value in (line.rpartition(" ") for line in lines)}


@pytest.fixture
def site(exported: Callable[..., str]) -> Site:
    site = Site()
    site.exports = {node: exported({(GATE, f"{node}-worker"): 10.0}, started_s=1.0) for node in ("a", "b")}
    return site


def run(work: Awaitable[dict[str, float]]) -> dict[str, float]:
    async def main() -> dict[str, float]:
        return await work

    return asyncio.run(main())


async def pages(site: Site, *changes: Callable[[], None]) -> dict[str, float]:
    """What the last page says; before each but the first one `changes` happen and the page before has aged."""
    hub = site.hub()
    page = await hub.page()
    for change in changes:
        change()
        site.now_s += KEEP_S + 1
        page = await hub.page()
    return values(page)


def test_all_nodes_are_added_up(site: Site) -> None:
    assert run(pages(site)) == {GATE: 20.0, 'metrics_hub_node_up{node="a"}': 1.0, 'metrics_hub_node_up{node="b"}': 1.0}


@pytest.mark.parametrize(
    "fault",
    [OSError("connection refused"), TimeoutError(), 'ray_frames_total{camera_id="ga'],
    ids=["refused", "hangs", "cut off"],
)
def test_a_node_that_does_not_answer_is_named_and_keeps_what_it_counted(site: Site, fault: str | Exception) -> None:
    if isinstance(fault, str):
        fault = f"# HELP ray_frames_total Frames.\n# TYPE ray_frames_total counter\n{fault}"

    said = run(pages(site, lambda: site.exports.update(b=fault)))

    assert said == {GATE: 20.0, 'metrics_hub_node_up{node="a"}': 1.0, 'metrics_hub_node_up{node="b"}': 0.0}


def test_a_node_that_is_gone_keeps_what_it_counted_and_is_down_for_hours(site: Site) -> None:
    said = run(pages(site, lambda: site.exports.pop("b") and None))

    assert said == {GATE: 20.0, 'metrics_hub_node_up{node="a"}': 1.0, 'metrics_hub_node_up{node="b"}': 0.0}


def test_gauges_of_a_silent_node_vanish(site: Site, exported: Callable[..., str]) -> None:
    site.exports = {node: exported({("sockets", node): 2.0}, kind="gauge") for node in ("a", "b")}

    def fall_silent() -> None:
        site.exports["b"] = TimeoutError()
        site.now_s += STALE_S

    assert run(pages(site, fall_silent))["sockets"] == 2.0


def test_a_hub_that_is_started_anew_shows_no_less(site: Site, exported: Callable[..., str]) -> None:
    run(pages(site))
    site.exports = {"a": TimeoutError(), "c": exported({(GATE, "c-worker"): 1.0}, started_s=9.0)}

    assert run(pages(site))[GATE] == 21.0


def test_a_hub_whose_memory_cannot_be_read_begins_with_what_is_shown(site: Site) -> None:
    site.saved = b"nonsense"

    assert run(pages(site))[GATE] == 20.0


def test_the_page_is_shown_although_it_could_not_be_remembered(site: Site) -> None:
    site.cannot_save = True

    assert run(pages(site))[GATE] == 20.0


def test_while_the_head_does_not_answer_the_nodes_that_are_known_are_read(
    site: Site, exported: Callable[..., str]
) -> None:
    def lose_the_head() -> None:
        site.head_away = True
        site.exports["b"] = exported({(GATE, "b-worker"): 15.0}, started_s=1.0)

    assert run(pages(site, lose_the_head))[GATE] == 25.0


def test_a_head_that_knows_no_node_is_not_believed(site: Site) -> None:
    def forget_the_nodes() -> None:
        site.forgotten = True

    assert run(pages(site, forget_the_nodes))[GATE] == 20.0


def test_there_is_no_page_before_the_head_has_answered(site: Site) -> None:
    site.head_away = True

    assert run(pages(site)) == {}


def test_two_nodes_of_one_name_are_told_apart(site: Site) -> None:
    site.names = {"a": "hall", "b": "hall"}

    assert 'metrics_hub_node_up{node="hall/a"}' in run(pages(site))


def test_a_page_is_kept_for_a_while_and_read_once_for_all_who_ask(site: Site) -> None:
    async def ask() -> dict[str, float]:
        hub = site.hub()
        first = await asyncio.gather(*(hub.page() for _ in range(5)))
        site.now_s += KEEP_S
        assert {*first, await hub.page()} == {first[0]}
        return values(first[0])

    run(ask())

    assert site.fetched == len(site.exports)


def test_it_looks_by_itself_until_it_is_stopped(site: Site) -> None:
    async def look() -> dict[str, float]:
        hub = site.hub()
        loop = asyncio.create_task(hub.run())
        while not site.saved:  # noqa: ASYNC110 - a fake has no event to wait for
            await asyncio.sleep(0.01)
        page = await hub.page()
        hub.stop()
        await asyncio.wait_for(loop, 10)
        return values(page)

    assert run(look())[GATE] == 20.0


def test_a_page_that_cannot_be_made_anew_is_soon_none(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frozen figures would show a well site for ever."""

    async def scenario() -> tuple[bytes, bytes]:
        hub = site.hub()
        assert await hub.page()
        monkeypatch.setattr(hub, "_merged", broken)
        site.now_s += KEEP_S + 1
        kept = await hub.page()
        site.now_s += MISSING_S
        return kept, await hub.page()

    def broken(*_: object) -> bytes:
        raise MemoryError

    kept, after = asyncio.run(scenario())

    assert GATE.encode() in kept
    assert after == b""
