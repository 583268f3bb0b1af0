"""The runtime under a model: whatever format Ultralytics loads, on the GPU or on the cores that were given."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cluster.safety.errors import WeightsError
from cluster.safety.frames import Image
from deployments.detector.export import openvino_export
from deployments.detector.openvino_cpu import OpenVinoCpu
from deployments.detector.suppression import Rows
from deployments.detector.torch_network import TorchNetwork
from deployments.detector.ultralytics_quiet import quieten
from deployments.detector.weights import OPENVINO_SUFFIX

Runtime = Literal["auto", "torch", "openvino"]


class Network(Protocol):
    """What computes. `lanes`: calls with a number below it may go on beside each other, each on its share."""

    @property
    def lanes(self) -> int: ...

    def detect(
        self, groups: Sequence[Image], confidence: float, iou: float, lane: int | None = None
    ) -> list[list[Rows]]: ...

    def infer(self, batch: Image) -> NDArray[np.float32]: ...


def open_backend(path: Path, runtime: Runtime, sha256: str, threads: int) -> "Backend":
    """The weights at `path`, whose digest was checked, ready to run.

    Raises:
        WeightsError: they cannot be opened, or are of another task than detection.
    """
    quieten()
    import torch

    gpu = torch.cuda.is_available()
    if path.suffix == ".pt" and (runtime == "openvino" or (runtime == "auto" and not gpu)):
        path = openvino_export(path, sha256)
    elif runtime == "openvino" and not path.name.endswith(OPENVINO_SUFFIX):
        raise WeightsError(f"{path}: cannot run on openvino, only .pt and OpenVINO folders can", "set runtime: auto")
    elif runtime == "torch" and path.suffix != ".pt":
        raise WeightsError(f"{path}: cannot run on torch, only .pt can", "set runtime: auto")
    auto = _auto_backend(path, gpu)
    _refuse_other_tasks(auto)
    return Backend(auto, _network(auto, path, threads))


class Backend:
    """A network, and what its weights say of themselves.

    fixed_size: (height, width) that the export was frozen to, None if it takes any multiple of `stride`.
    """

    def __init__(self, auto: Any, network: Network) -> None:
        self.runtime = "torch" if auto.format == "pt" else str(auto.format)
        self.device = str(getattr(auto.device, "type", auto.device))
        self.stride = int(auto.stride)
        self.class_names: dict[int, str] = dict(auto.names)
        dynamic = auto.format == "pt" or bool(auto.dynamic)
        self.fixed_size: tuple[int, int] | None = None if dynamic else _size(auto.imgsz)
        self.lanes = network.lanes
        self._network = network

    def detect(
        self, groups: Sequence[Image], confidence: float, iou: float, lane: int | None = None
    ) -> list[list[Rows]]:
        """For each group, (n, h, w, 3) uint8 BGR, n times (m, 6): x1 y1 x2 y2 in pixels, confidence, class.

        `lane`: beside other calls; None: with all that there is.
        """
        return self._network.detect(groups, confidence, iou, lane)

    def infer(self, batch: Image) -> NDArray[np.float32]:
        """What comes out of the network itself, for a proof."""
        return self._network.infer(batch)


def _network(auto: Any, path: Path, threads: int) -> Network:
    """OpenVINO on a CPU is called directly, on `threads` cores: Ultralytics takes all, and two replicas would fight."""
    inner = auto.backend
    if auto.format == "openvino" and str(auto.device) == "cpu" and inner.read_model is None:
        inner.ov_compiled_model = inner.compile_model = None  # compiled once already; the facts were all it was for
        return OpenVinoCpu(next(path.glob("*.xml")), threads, end2end=bool(auto.end2end))
    import torch

    torch.set_num_threads(threads)
    return TorchNetwork(auto)


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
