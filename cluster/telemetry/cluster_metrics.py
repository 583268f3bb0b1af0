"""The whole cluster's metrics on one page, from what every node exports. Knows no Ray."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from cluster.telemetry.export import ExportReader, sample_text
from cluster.telemetry.instruments import Declared
from cluster.telemetry.levels import Levels
from cluster.telemetry.nodes_up import NodesUp
from cluster.telemetry.page import PageWriter
from cluster.telemetry.reading_times import ReadingTimes
from cluster.telemetry.totals import Totals

_log = structlog.get_logger()

KEEP_S = 5.0
"""The age that a page may have."""
MISSING_S = 15.0
"""A page that is older is none: frozen figures would show a well site for ever, and no alarm would know better."""
STALE_S = 20.0
"""So long the gauges of a node that does not answer stand: two of Ray's own report intervals."""
NODE_UP = "metrics_hub_node_up"
_FETCH_S = 4.0
_SAVE_S = 1.0
_TOGETHER = 32


@dataclass(frozen=True, slots=True)
class NodeExport:
    """A node that lives: where it exports, and how it is called."""

    node_id: str
    name: str
    url: str


class Nodes(Protocol):
    """The nodes that live. Raises `OSError`, `TimeoutError`: not now."""

    async def __call__(self) -> Sequence[NodeExport]: ...


class Fetch(Protocol):
    """What a node answers. Raises `OSError`, `TimeoutError`: it does not."""

    async def __call__(self, url: str) -> str: ...


class Memory(Protocol):
    """Outlives the process. Both raise `OSError`, `TimeoutError`: not now."""

    async def load(self) -> bytes: ...
    async def save(self, totals: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class MetricsPorts:
    nodes: Nodes
    fetch: Fetch
    memory: Memory


class ClusterMetrics:
    """Has a page ready that is at most `KEEP_S` old when somebody asks; when nobody does it still looks now and then,
    so that what a node counted is not lost with its next restart. All of it belongs to one event loop.
    """

    def __init__(
        self, declared: Mapping[str, Declared], ports: MetricsPorts, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ports, self._clock = ports, clock
        self._reader, self._writer = ExportReader(declared), PageWriter(declared)
        self._levels, self._up = Levels(STALE_S), NodesUp()
        self._totals: Totals | None = None
        self._nodes: Sequence[NodeExport] = ()
        self._silent: dict[str, str] = {}
        self._page, self._page_s = b"", float("-inf")
        self._times = ReadingTimes(KEEP_S)
        self._stopping, self._woken = asyncio.Event(), asyncio.Event()
        self._refreshing: asyncio.Task[None] | None = None
        self._together = asyncio.Semaphore(_TOGETHER)

    async def page(self) -> bytes:
        """The newest page; b"": there is none, because Ray's head has not said which nodes there are, or the last one
        is too old."""
        self._times.asked(self._clock())
        self._woken.set()
        if self._clock() - self._page_s > KEEP_S:
            await self.refresh()
        return self._page if self._clock() - self._page_s <= MISSING_S else b""

    async def run(self) -> None:
        """Looks again and again, until `stop`."""
        while not self._stopping.is_set():
            if self._clock() >= self._times.due_s():
                await self.refresh()
            self._woken.clear()
            await _wait(self._woken, max(0.0, self._times.due_s() - self._clock()))

    def stop(self) -> None:
        self._stopping.set()
        self._woken.set()

    async def refresh(self) -> None:
        """Reads all nodes; whoever calls while that is being done waits for the same. Raises nothing."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh())
        await asyncio.shield(self._refreshing)

    async def _refresh(self) -> None:
        begun_s = self._clock()
        if (page := await self._read_all()) is not None:
            self._page, self._page_s = page, begun_s
        self._times.read(begun_s, self._clock() - begun_s)

    async def _read_all(self) -> bytes | None:
        await self._ask_the_head()
        if (totals := self._totals) is None or not self._nodes:
            return None
        try:
            answers = await asyncio.gather(*(self._fetched(node) for node in self._nodes))
            # Off the loop: ten thousand lines are read.
            page = await asyncio.to_thread(self._merged, totals, answers)
            await self._save(totals)
        # The border to what nodes export: whatever it is, the page before stays and the next look comes.
        except Exception as error:  # noqa: BLE001
            _log.exception("metrics_not_merged", reason=str(error))
            return None
        return page

    async def _ask_the_head(self) -> None:
        """Which nodes there are, and at first what was added up before. Those that are known go on being read while the
        head does not answer; nothing is shown before it has, because that could be less than before."""
        try:
            if self._totals is None:
                self._totals = _recalled(await self._ports.memory.load())
            # No node at all is a control store that does not know yet: there is the one on which this runs.
            self._nodes = await self._ports.nodes() or self._nodes
        except (OSError, TimeoutError) as error:
            _log.warning("nodes_not_listed", reason=str(error))

    async def _fetched(self, node: NodeExport) -> str:
        """What the node exports; "" if it does not answer, which is said when it begins and when it ends."""
        reason, text = "", ""
        try:
            async with self._together, asyncio.timeout(_FETCH_S):
                text = await self._ports.fetch(node.url)
        except (OSError, TimeoutError) as error:
            reason = str(error) or "no answer in time"
        if bool(reason) != bool(self._silent.pop(node.node_id, "")):
            say = _log.warning if reason else _log.info
            say("node_metrics_silent" if reason else "node_metrics_back", node=node.name, url=node.url, reason=reason)
        if reason:
            self._silent[node.node_id] = reason
        return text

    def _merged(self, totals: Totals, answers: Sequence[str]) -> bytes:
        """In a thread, one at a time."""
        now_s = self._clock()
        living = frozenset(node.node_id for node in self._nodes)
        totals.keep_only(living)
        self._levels.keep_only(living)
        for node, text in zip(self._nodes, answers, strict=True):
            if text:
                self._read(totals, node, text, now_s)
        return self._writer.write({**totals.sums(), **self._levels.merged(now_s), **self._ups(now_s)})

    def _read(self, totals: Totals, node: NodeExport, text: str, now_s: float) -> None:
        try:
            export = self._reader.read(text)
        except ValueError as error:
            self._silent[node.node_id] = f"its metrics cannot be read: {error}"
            return
        counts = {(series.sample, series.writer): value for series, value in export.counts.items()}
        totals.read(node.node_id, export.started_s, counts)
        self._levels.read(node.node_id, export.levels, now_s)

    def _ups(self, now_s: float) -> dict[str, float]:
        """`metrics_hub_node_up` of each node, also of those that are gone."""
        names = {node.node_id: node.name for node in self._nodes}
        ups = self._up.levels(names, self._silent, now_s)
        return {sample_text(NODE_UP, [("node", name)]): level for name, level in ups.items()}

    async def _save(self, totals: Totals) -> None:
        """Before the page is shown: a hub that is started anew must not show less. Without Ray's head it is shown all
        the same, since nobody is started anew then."""
        try:
            async with asyncio.timeout(_SAVE_S):
                await self._ports.memory.save(totals.dump())
        except (OSError, TimeoutError) as error:
            _log.warning("metrics_totals_not_saved", reason=str(error) or "no answer in time")


def _recalled(saved: bytes) -> Totals:
    try:
        return Totals(saved)
    except ValueError as error:
        _log.error("metrics_totals_lost", reason=str(error))
        return Totals()


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
