"""What the pipeline is measured against: a bare loop, and Ultralytics' own. A process of its own, steered by lines.

    {"do": "bare", "size": 640, "seconds": 12}      decode, shrink and infer, one frame after the other
    {"do": "paced", "size": 640, "seconds": 12, "period_s": 0.3}    the same with pauses, as at half load
    {"do": "predict", "size": 640, "seconds": 12}   YOLO(weights).predict(source, stream=True) on the .pt
    {"do": "agree", "size": 640, "stride": 8}       both on the same frames: how many of predict's boxes are found

Between two lines it sleeps and costs nothing, so that rounds can alternate without loading a model again.
"""

import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from bench_part import percentile

CONFIDENCE, IOU = 0.4, 0.6
_MATCHES_FROM = 0.9


class BareProcess:
    """The driver's end of it."""

    def __init__(self, clip: Path) -> None:
        command = [sys.executable, __file__, str(clip)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **order: Any) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        for line in stdout:
            if line.startswith("{"):
                return dict(json.loads(line))
        raise RuntimeError(f"the bare process ended over {order}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Bare:
    """The two loops over one clip."""

    def __init__(self, clip: Path) -> None:
        self._clip = clip
        self._models: dict[int, Any] = {}
        self._predictor: Any = None
        self._stages: dict[str, list[float]] = defaultdict(list)

    def bare(self, size: int, seconds: float) -> dict[str, Any]:
        """Frames a second, and what each stage took in ms (median)."""
        from cluster.camera.shrink import shrink

        model, frames = self._model(size), self._frames()
        for _ in range(3):
            model.detect_all([shrink(next(frames), size)])
        self._stages.clear()
        started_s = time.perf_counter()
        while time.perf_counter() - started_s < seconds:
            image = self._timed("decode", lambda: next(frames))
            small = self._timed("shrink", lambda image=image: shrink(image, size))
            self._timed("detect", lambda small=small: model.detect_all([small]))
        took_s = time.perf_counter() - started_s
        medians = {stage: statistics.median(times) * 1000 for stage, times in self._stages.items()}
        return {"fps": len(self._stages["detect"]) / took_s, "stages_ms": medians}

    def paced(self, size: int, seconds: float, period_s: float) -> dict[str, Any]:
        """p50 and p95 in ms of `detect`, one frame each `period_s`: caches grow cold and cores sleep in between."""
        from cluster.camera.shrink import shrink

        model, frames, times = self._model(size), self._frames(), []
        started_s = time.perf_counter()
        while (due_s := started_s + period_s * len(times)) < started_s + seconds:
            image = next(frames)
            time.sleep(max(0.0, due_s - time.perf_counter()))
            small, began_s = shrink(image, size), time.perf_counter()
            model.detect_all([small])
            times.append((time.perf_counter() - began_s) * 1000)
        return {"p50_ms": statistics.median(times), "p95_ms": percentile(times, 0.95), "frames": len(times)}

    def predict(self, size: int, seconds: float) -> dict[str, Any]:
        found = self._yolo().predict(str(self._clip), stream=True, imgsz=size, conf=CONFIDENCE, iou=IOU, verbose=False)
        for _ in range(2):
            next(found)
        frames, started_s = 0, time.perf_counter()
        while time.perf_counter() - started_s < seconds and next(found, None) is not None:
            frames += 1
        return {"fps": frames / (time.perf_counter() - started_s)}

    def agree(self, size: int, stride: int) -> dict[str, Any]:
        """Share of predict's boxes that the product's way finds too, with the same class."""
        from cluster.camera.shrink import shrink

        model, boxes, matched = self._model(size), 0, 0
        for index, image in enumerate(self._frames(once=True)):
            if index % stride:
                continue
            result = self._yolo().predict(image, imgsz=size, conf=CONFIDENCE, iou=IOU, verbose=False)[0]
            names = {"Normal": "person", "Fall": "fallen_person"}
            theirs = [
                (names[result.names[int(c)]], b) for c, b in zip(result.boxes.cls, result.boxes.xyxyn, strict=True)
            ]
            ours = model.detect_all([shrink(image, size)])[0]
            boxes += len(theirs)
            for label, box in theirs:
                same = [_iou(np.asarray(box), b) for b, o in zip(ours.boxes, ours.labels, strict=True) if o == label]
                matched += max(same, default=0.0) >= _MATCHES_FROM
        return {"boxes": boxes, "matched": matched, "agreement": matched / boxes if boxes else 0.0}

    def _model(self, size: int) -> Any:
        if size not in self._models:
            from cluster.settings.load import load_models
            from cluster.settings.models import DetectorSettings
            from deployments.detector.model import YoloModel

            settings = DetectorSettings(model="fall-s", confidence=CONFIDENCE, iou=IOU, image_size=size)
            self._models[size] = YoloModel.load(settings, load_models().named("fall-s"))
            self._time_the_inside()
        return self._models[size]

    def _time_the_inside(self) -> None:
        """Letterbox and suppression are looked at from outside; what is left of `detect` is the model itself."""
        from deployments.detector import openvino_cpu
        from deployments.detector.letterbox import Letterbox

        if len(self._models) == 1:
            self._wrap(Letterbox, "apply", "letterbox")
            self._wrap(openvino_cpu, "found_in", "nms")

    def _wrap(self, owner: Any, name: str, stage: str) -> None:
        whole: Callable[..., Any] = getattr(owner, name)
        setattr(owner, name, lambda *a, **k: self._timed(stage, lambda: whole(*a, **k)))

    def _timed(self, stage: str, work: Callable[[], Any]) -> Any:
        started_s = time.perf_counter()
        result = work()
        self._stages[stage].append(time.perf_counter() - started_s)
        return result

    def _yolo(self) -> Any:
        if self._predictor is None:
            from deployments.detector.ultralytics_quiet import quieten

            quieten()
            from ultralytics import YOLO

            from cluster.settings.load import load_models
            from deployments.detector.weights import verified

            self._predictor = YOLO(str(verified(load_models().named("fall-s"))))
        return self._predictor

    def _frames(self, *, once: bool = False) -> Iterator[Any]:
        while True:
            capture = cv2.VideoCapture(str(self._clip), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 2])
            while (read := capture.read())[0]:
                yield read[1]
            capture.release()
            if once:
                return


def _iou(one: Any, other: Any) -> float:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = float(np.prod(np.clip(high - low, 0, None)))
    return shared / (float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - shared)


def main() -> None:
    bare = Bare(Path(sys.argv[1]))
    for line in sys.stdin:
        order = json.loads(line)
        answer = getattr(bare, order.pop("do"))(**order)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
