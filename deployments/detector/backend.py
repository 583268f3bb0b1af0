"""The runtime under a model: whatever format Ultralytics loads, on the GPU or on the cores that were given."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cluster.safety.errors import WeightsError
from cluster.safety.frames import Image
from deployments.detector.export import openvino_export
from deployments.detector.ultralytics_quiet import quieten
from deployments.detector.weights import OPENVINO_SUFFIX

Runtime = Literal["auto", "torch", "openvino"]


def open_backend(path: Path, runtime: Runtime, sha256: str, threads: int) -> "Backend":
    """The weights at `path`, whose digest was checked, ready to run.

    Raises:
        WeightsError: they cannot be opened, or are of another task than detection.
    """
    quieten()
    import torch

    torch.set_num_threads(threads)
    gpu = torch.cuda.is_available()
    if path.suffix == ".pt" and (runtime == "openvino" or (runtime == "auto" and not gpu)):
        path = openvino_export(path, sha256)
    elif runtime == "openvino" and not path.name.endswith(OPENVINO_SUFFIX):
        raise WeightsError(f"{path}: cannot run on openvino, only .pt and OpenVINO folders can", "set runtime: auto")
    elif runtime == "torch" and path.suffix != ".pt":
        raise WeightsError(f"{path}: cannot run on torch, only .pt can", "set runtime: auto")
    backend = Backend(_auto_backend(path, gpu))
    if backend.runtime == "openvino":
        backend.limit_openvino(path, threads)
    return backend


class Backend:
    """Ultralytics' AutoBackend, told what to use and asked for boxes.

    fixed_size: (height, width) that the export was frozen to, None if it takes any multiple of `stride`.
    """

    def __init__(self, auto: Any) -> None:
        self._auto = auto
        self.runtime = "torch" if auto.format == "pt" else str(auto.format)
        self.device = str(getattr(auto.device, "type", auto.device))
        self.stride = int(auto.stride)
        self.class_names: dict[int, str] = dict(auto.names)
        dynamic = auto.format == "pt" or bool(auto.dynamic)
        self.fixed_size: tuple[int, int] | None = None if dynamic else _size(auto.imgsz)
        _refuse_other_tasks(auto)
        if self.device != "cpu":
            import torchvision  # type: ignore[import-untyped]  # noqa: F401 - its NMS runs on the GPU; Ultralytics takes it if it is loaded

    def detect(self, batch: Image, confidence: float, iou: float) -> list[NDArray[np.float32]]:
        """(n, h, w, 3) uint8 BGR to n times (m, 6): x1 y1 x2 y2 in pixels, confidence, class; overlaps removed."""
        import torch
        from ultralytics.utils.nms import non_max_suppression

        with torch.inference_mode():
            found = non_max_suppression(self._forward(batch), confidence, iou, end2end=bool(self._auto.end2end))
            return [rows.float().cpu().numpy() for rows in found]

    def infer(self, batch: Image) -> NDArray[np.float32]:
        """What comes out of the network itself, for a proof."""
        import torch

        with torch.inference_mode():
            raw = self._forward(batch)
            first = raw[0] if isinstance(raw, list | tuple) else raw
            return np.asarray(first.float().cpu().numpy())

    def limit_openvino(self, folder: Path, threads: int) -> None:
        """Compile again for `threads` cores; Ultralytics cannot be told, and two replicas would fight for all."""
        inner = self._auto.backend
        if self.device != "cpu" or inner.read_model is not None:  # that INT8 model is compiled anew for each shape
            return
        import openvino

        config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
        inner.ov_compiled_model = openvino.Core().compile_model(next(folder.glob("*.xml")), "CPU", config)

    def _forward(self, batch: Image) -> Any:
        import torch

        pixels = torch.from_numpy(batch).to(self._auto.device)  # uint8 to the device, four times less than floats
        planes = pixels.permute(0, 3, 1, 2).contiguous().flip(1)  # BGR to RGB
        return self._auto((planes.half() if self._auto.fp16 else planes.float()).div_(255))


def _auto_backend(path: Path, gpu: bool) -> Any:
    import torch
    from ultralytics.nn.autobackend import AutoBackend

    device = torch.device("cuda:0" if gpu else "cpu")
    try:
        backend = AutoBackend(str(path), device=device, fp16=gpu, verbose=False)
        backend.eval()
    except Exception as error:  # border of a foreign library: whatever it raises is one verdict on the weights
        raise WeightsError(f"{path}: cannot be opened: {type(error).__name__}: {error}", "export it again") from error
    return backend


def _refuse_other_tasks(auto: Any) -> None:
    task = auto.backend.task or getattr(auto.backend.model, "task", None)
    if task != "detect":
        raise WeightsError(f"the weights are for another task: {task or 'unknown'}", "name weights for detection")


def _size(imgsz: Any) -> tuple[int, int]:
    high, wide = (imgsz, imgsz) if isinstance(imgsz, int) else imgsz
    return int(high), int(wide)
