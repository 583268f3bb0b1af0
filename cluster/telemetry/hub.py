"""The Ray shell of the hub behind `GET /metrics`: names, nodes and memory; `ClusterMetrics` does the work."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import httpx
import ray
from ray.exceptions import RayError
from ray.experimental import internal_kv

from cluster.telemetry import metrics as _declares_them  # noqa: F401
from cluster.telemetry.cluster_metrics import ClusterMetrics, MetricsPorts, NodeExport
from cluster.telemetry.instruments import DECLARED
from cluster.telemetry.logs import configure_logs
from cluster.telemetry.node_names import node_name

HUB_NAME, HUB_NAMESPACE = "metrics-hub", "safe-yolo"
_KEY, _NAMESPACE = b"metrics-totals", b"safe-yolo"
_HEAD_S = 3.0
Answer = TypeVar("Answer")


class MetricsHub:
    """One for the cluster. What it has added up outlives it in Ray's control store, and ends with that one."""

    def __init__(self, release: str) -> None:
        configure_logs("metrics-hub")
        self._release = release
        self._work: ClusterMetrics | None = None
        self._loop: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        """What the dashboard and the prefix of Ray's log lines show."""
        return HUB_NAME

    async def release(self) -> str:
        """The code that it runs; the first call begins the work."""
        self._begun()
        return self._release

    async def page(self) -> bytes:
        """`GET /metrics`; b"": not yet, see `ClusterMetrics.page`."""
        return await self._begun().page()

    def _begun(self) -> ClusterMetrics:
        if self._work is None:
            # Here and not in the constructor, which Ray runs without an event loop.
            self._work = ClusterMetrics(DECLARED, MetricsPorts(RayNodeExports(), HttpFetch(), RayMemory()))
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._work.run())
        return self._work


class _Head:
    """Calls to Ray's head, which block, in one thread: while one hangs the next fails at once."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="head")
        self._asking: Future[Any] | None = None

    async def ask(self, function: Callable[[], Answer]) -> Answer:
        """Raises: OSError, TimeoutError."""
        if self._asking is not None and not self._asking.done():
            raise TimeoutError("Ray's head has not answered the question before")
        asking = self._thread.submit(function)
        self._asking = asking
        try:
            async with asyncio.timeout(_HEAD_S):
                return await asyncio.wrap_future(asking)
        except TimeoutError as error:
            raise TimeoutError("Ray's head does not answer") from error
        except (RayError, RuntimeError, ValueError) as error:
            raise OSError(f"Ray's head: {type(error).__name__}: {error}") from error


class RayNodeExports:
    """`Nodes` by Ray."""

    def __init__(self) -> None:
        self._head = _Head()

    async def __call__(self) -> Sequence[NodeExport]:
        return await self._head.ask(_alive)


def _alive() -> list[NodeExport]:
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [
        NodeExport(node["NodeID"], node_name(node["Labels"], address), f"http://{_host(address)}:{port}/metrics")
        for node in nodes
        if node["Alive"] and (address := node["NodeManagerAddress"]) and (port := node["MetricsExportPort"])
    ]


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


class HttpFetch:
    """`Fetch` by HTTP; the caller sets the deadline."""

    def __init__(self) -> None:
        # No proxy of the environment: nodes are near, and what they say is nobody else's affair.
        self._client = httpx.AsyncClient(trust_env=False, timeout=None)  # noqa: S113 - see above

    async def __call__(self, url: str) -> str:
        try:
            answer = await self._client.get(url)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise OSError(f"{type(error).__name__}: {error}") from error
        return answer.text


class RayMemory:
    """`Memory` in Ray's control store: what has been added up ends with the cluster that it belongs to."""

    def __init__(self) -> None:
        self._head = _Head()

    async def load(self) -> bytes:
        return await self._head.ask(lambda: internal_kv._internal_kv_get(_KEY, namespace=_NAMESPACE) or b"")

    async def save(self, totals: bytes) -> None:
        await self._head.ask(lambda: internal_kv._internal_kv_put(_KEY, totals, overwrite=True, namespace=_NAMESPACE))
