"""The Detector on one GPU: precision, batches, replicas on one card. Says "no GPU" and is done where there is none.

`batches`: the model alone, fp16 against fp32, batch 1 to 64. `replicas`: 1, 2 and 4 replicas on one card behind
the handle, fed by paced callers; the load grows until the 95th percentile from capture to answer passes
250 ms; with GPU utilisation and memory a replica, and the ratio to the bare batched loop of one process.
"""

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
from bench_part import Result, demo_clip, figure, percentile, run
from bench_site import PATIENCE_S, camera, pause, real_detector, running

_SIZE = 640
_BATCHES = (1, 2, 4, 8, 16, 32, 64)
_REPLICAS = (1, 2, 4)
_LATENCY_S = 0.25
_WINDOW_S = 8.0
_BARE_S = 4.0
_STEP = 1.3
_CALLERS = 8


def gpu(rounds: int) -> Result:
    if not _has_gpu():
        return {"figures": {}, "note": "gpu: no GPU on this machine, nothing measured"}
    bare = [_in_a_process() for _ in range(rounds)]
    best = max(row["fps"] for row in bare[-1]["batches"]["fp16"])
    replicas = {str(n): [_replicas(n) for _ in range(rounds)] for n in _REPLICAS}
    figures: Result = {}
    for n, measured in replicas.items():
        rates = [m["fps_at_p95_250ms"] for m in measured]
        figures[f"gpu.{n}_replicas.fps_at_p95_250ms"] = figure(rates, ">= 0", unit="detections/s")
        figures[f"gpu.{n}_replicas.efficiency"] = figure(
            [r / best for r in rates], ">= 0", unit="of the bare batched loop"
        )
    return {"figures": figures, "bare": bare, "replicas": replicas}


def batches() -> Result:
    """Frames a second of the model alone, by precision and batch: pictures in memory, letterbox to boxes."""
    import torch

    images = _pictures()
    found: dict[str, list[dict[str, float]]] = {}
    for precision in ("fp16", "fp32"):
        model = _model(precision)
        found[precision] = []
        for size in _BATCHES:
            torch.cuda.reset_peak_memory_stats()
            some = [images[i % len(images)] for i in range(size)]
            for _ in range(3):
                model.detect_all(some)
            done, started_s = 0, time.perf_counter()
            while time.perf_counter() - started_s < _BARE_S:
                done += len(model.detect_all(some))
            row = {"batch": size, "fps": done / (time.perf_counter() - started_s)}
            found[precision].append(row | {"peak_mb": torch.cuda.max_memory_allocated() / 1e6})
    return {"batches": found}


def _replicas(count: int) -> Result:
    """The highest load at which the 95th percentile holds, by steps of 30 %."""
    detector = real_detector(_SIZE)
    # The share of a card is bookkeeping of Ray's; all replicas see the same one.
    options = {"num_cpus": 1, "num_gpus": 1 / count}
    detector["deployments"][0] |= {"num_replicas": count, "max_ongoing_requests": 256, "ray_actor_options": options}
    detector["deployments"][0]["user_config"] |= {"max_batch_size": 32}
    with running([camera(0, demo_clip())], detector, cpus=16) as site:
        site.deploy()
        site.wait_for_detector(_SIZE)
        best: Result = {"fps_at_p95_250ms": 0.0}
        steps, rate = [], 50.0
        while (step := _step(rate))["p95_s"] <= _LATENCY_S and step["fps"] > 0.9 * rate:
            steps.append(step)
            best = {"fps_at_p95_250ms": step["fps"]} | step
            rate *= _STEP
        return best | {"memory_mb_a_replica": _memory_mb(site.pids("detector")), "steps": [*steps, step]}


def _step(rate: float) -> dict[str, float]:
    """`rate` frames a second for some seconds from actors that each hold a handle."""
    import ray

    caller = ray.remote(num_cpus=0.1)(Caller)
    callers = [caller.remote() for _ in range(_CALLERS)]
    ray.get([c.offer.remote(rate / _CALLERS, 2.0) for c in callers], timeout=PATIENCE_S)
    with _utilisation() as seen:
        waiting = [c.offer.remote(rate / _CALLERS, _WINDOW_S) for c in callers]
        latencies = [latency for found in ray.get(waiting, timeout=PATIENCE_S) for latency in found]
    for used in callers:
        ray.kill(used)
    answered = max(1, len(latencies))
    return {
        "offered": rate,
        "fps": answered / _WINDOW_S,
        "p50_s": percentile(latencies, 0.5) if latencies else 99.0,
        "p95_s": percentile(latencies, 0.95) if latencies else 99.0,
        "gpu_percent": float(np.mean(seen)) if seen else 0.0,
    }


class Caller:
    """Frames of 720p at a steady rate, each shrunk as a camera does it, then the handle; late ones count as late."""

    def __init__(self) -> None:
        from ray import serve

        self._handle = serve.get_deployment_handle("Detector", "detector").options(
            method_name="detect", _by_reference=False
        )
        self._image = np.random.default_rng(3).integers(0, 255, (720, 1280, 3), dtype=np.uint8)

    async def offer(self, rate: float, seconds: float) -> list[float]:
        """Seconds from capture to answer of each frame that was answered."""
        tasks, start_s = [], time.monotonic()
        for index in range(max(1, int(rate * seconds))):
            await asyncio.sleep(max(0.0, start_s + index / rate - time.monotonic()))
            tasks.append(asyncio.ensure_future(self._one()))
        found = await asyncio.gather(*tasks, return_exceptions=True)
        return [latency for latency in found if isinstance(latency, float)]

    async def _one(self) -> float:
        from cluster.camera.shrink import shrink

        captured_s = time.monotonic()
        await asyncio.wait_for(self._handle.remote(shrink(self._image, _SIZE)), 10.0)
        return time.monotonic() - captured_s


@contextlib.contextmanager
def _utilisation() -> Any:
    """Percent of the time in which the card worked, looked at four times a second."""
    import pynvml

    pynvml.nvmlInit()
    card, stopping, seen = pynvml.nvmlDeviceGetHandleByIndex(0), threading.Event(), []

    def look() -> None:
        while not stopping.wait(0.25):
            seen.append(pynvml.nvmlDeviceGetUtilizationRates(card).gpu)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stopping.set()
        thread.join(2)
        pynvml.nvmlShutdown()


def _memory_mb(pids: list[int]) -> float:
    """On the card, a replica; 0.0 where the driver does not tell it (in containers)."""
    import pynvml

    pynvml.nvmlInit()
    try:
        running_there = pynvml.nvmlDeviceGetComputeRunningProcesses(pynvml.nvmlDeviceGetHandleByIndex(0))
        used = [process.usedGpuMemory for process in running_there if process.pid in pids and process.usedGpuMemory]
    finally:
        pynvml.nvmlShutdown()
    return sum(used) / len(used) / 1e6 if used else 0.0


def _has_gpu() -> bool:
    import pynvml

    try:
        pynvml.nvmlInit()
        return bool(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:
        return False


def _in_a_process() -> Result:
    """`batches` in a process of its own, so that its memory on the card is gone before the replicas come."""
    import json

    asked = subprocess.run(
        [sys.executable, __file__, "--batches"], capture_output=True, text=True, timeout=600, check=True
    )
    pause(1.0)
    return dict(json.loads(asked.stdout.strip().splitlines()[-1]))


def _pictures() -> list[Any]:
    import cv2

    from cluster.camera.shrink import shrink

    capture = cv2.VideoCapture(str(demo_clip()), cv2.CAP_FFMPEG)
    return [shrink(capture.read()[1], _SIZE) for _ in range(64)]


def _model(precision: str) -> Any:
    from cluster.settings.load import load_models
    from cluster.settings.models import DetectorSettings
    from deployments.detector.model import YoloModel

    settings = DetectorSettings(model="fall-s", confidence=0.4, image_size=_SIZE, runtime="torch")
    model = YoloModel.load(settings, load_models().named("fall-s"))
    if precision == "fp32":
        network = model._backend._network._auto
        network.float()
        network.fp16 = False
        network.backend.fp16 = False
    return model


if __name__ == "__main__":
    if "--batches" in sys.argv:
        import json

        print(json.dumps(batches()))
    else:
        run(gpu)
