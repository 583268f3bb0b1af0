"""Reads the node's GPUs and processes again and again, and exports what they say."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError

import psutil
import structlog

from cluster.telemetry import metrics
from cluster.telemetry.gpus import GpuReading, ReadGpus

_log = structlog.get_logger()
EVERY_S = 3.5
"""With a reading that takes its time still within the two report intervals after which Ray forgets a gauge."""
GPU_DEADLINE_S = 3.0


class NodeReadings:
    """`run` blocks and belongs to one thread; `stop` may be called from any other.

    A driver that hangs holds up one thread and nothing else. Gauges are plain ones: whatever hangs here, what it said
    last does not stand (`process_memory` neither, when reading the processes hangs).
    """

    def __init__(
        self, node: str, gpus: ReadGpus, memory: Callable[[], Mapping[str, int]], *, deadline_s: float = GPU_DEADLINE_S
    ) -> None:
        self._node, self._gpus, self._memory, self._deadline_s = node, gpus, memory, deadline_s
        self._stopping = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gpus")
        self._reading: Future[list[GpuReading]] | None = None
        self._hangs = False

    def run(self) -> None:
        """Reads until `stop`."""
        while not self._stopping.is_set():
            try:
                self.read()
            # The border of the loop: one reading that fails must not be the last one.
            except Exception as error:  # noqa: BLE001
                _log.exception("node_not_read", reason=str(error))
            self._stopping.wait(EVERY_S)

    def stop(self) -> None:
        self._stopping.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def read(self) -> None:
        """Once."""
        self._read_gpus()
        try:
            memory = self._memory()
        except psutil.Error as error:
            _log.warning("processes_not_read", reason=str(error))
            return
        for role, resident in memory.items():
            metrics.process_memory.set(resident, {"role": role, "node": self._node})

    def _read_gpus(self) -> None:
        if self._reading is None:
            self._reading = self._thread.submit(self._gpus)
        try:
            readings = self._reading.result(self._deadline_s)
        except FutureTimeoutError:
            self._say(hangs=True)
            return
        self._reading = None
        self._say(hangs=False)
        for reading in readings:
            self._show(reading)

    def _say(self, *, hangs: bool) -> None:
        if hangs and not self._hangs:
            _log.error("gpu_driver_hangs", deadline_s=self._deadline_s)
        elif self._hangs and not hangs:
            _log.warning("gpu_driver_back")
        self._hangs = hangs

    def _show(self, reading: GpuReading) -> None:
        """What it cannot say is not set, and forgotten."""
        for gauge, field in _GAUGES:
            value: float | None = getattr(reading, field)
            if value is not None:
                gauge.set(value, {"node": self._node, "gpu": reading.gpu})


_GAUGES = (
    (metrics.gpu_memory_used, "used_bytes"),
    (metrics.gpu_memory_total, "total_bytes"),
    (metrics.gpu_utilization, "busy_percent"),
    (metrics.gpu_temperature, "celsius"),
)
