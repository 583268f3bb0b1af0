"""Every other way to compute: torch, on a GPU or on the cores, and whatever format Ultralytics' AutoBackend opens."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.safety.frames import Image
from deployments.detector.suppression import MOST_OBJECTS, Rows, found_in, suppressed

_MOST_ON_GPU = 2048
"""Candidates that a GPU hands over for each picture. A fixed number, so that nothing has to be waited for before."""
_STREAMED = ("pt", "torchscript")
"""What computes on torch's current stream; TensorRT and ONNX Runtime use the default one, which waits for no other."""


class TorchNetwork:
    """Ultralytics' AutoBackend, fed and read as its device likes it. Belongs to one thread.

    On a GPU all groups are sent, computed and fetched without a wait in between, on a stream of its own, so that two
    replicas or a model on trial do not wait for each other; the one wait is for the answers. Pictures travel as
    bytes out of page-locked memory: a quarter of the floats, and the copy runs while the processor goes on.
    """

    lanes = 1

    def __init__(self, auto: Any) -> None:
        import torch

        self._torch: Any = torch
        self._auto = auto
        self._end2end = bool(auto.end2end)
        self._device = torch.device(auto.device)
        self._gpu = self._device.type == "cuda"
        self._pinned: list[Any] = []
        self._stream: Any = None
        if self._gpu and auto.format in _STREAMED:
            torch.cuda.synchronize(self._device)  # the weights came over on another stream
            self._stream = self._torch.cuda.Stream(self._device)

    def detect(
        self, groups: Sequence[Image], confidence: float, iou: float, lane: int | None = None
    ) -> list[list[Rows]]:
        """For each group, (n, h, w, 3) uint8 BGR, n times (m, 6): x1 y1 x2 y2 in pixels, confidence, class."""
        with self._torch.inference_mode(), self._on_stream():
            raws = [self._forward(batch, place) for place, batch in enumerate(groups)]
            if self._gpu:
                return [[_told(rows, confidence, iou, self._end2end) for rows in found] for found in self._fetch(raws)]
            found = [raw.float().cpu().numpy() for raw in raws]
        return [[found_in(raw, confidence, iou, end2end=self._end2end) for raw in batch] for batch in found]

    def infer(self, batch: Image) -> NDArray[np.float32]:
        """What comes out of the network itself."""
        with self._torch.inference_mode(), self._on_stream():
            return np.asarray(self._forward(batch, 0).float().cpu().numpy())

    def _forward(self, batch: Image, place: int) -> Any:
        planes = self._pixels(batch, place).permute(0, 3, 1, 2).flip(1).contiguous()  # BGR to RGB
        raw = self._auto((planes.half() if self._auto.fp16 else planes.float()).div_(255))
        return raw[0] if isinstance(raw, list | tuple) else raw

    def _pixels(self, batch: Image, place: int) -> Any:
        """`batch` on the device, as bytes. `place`: which page-locked buffer is free for it."""
        pixels = self._torch.from_numpy(batch)
        if not self._gpu:
            return pixels.to(self._device)
        self._pinned += [None] * (place + 1 - len(self._pinned))
        buffer = self._pinned[place]
        if buffer is None or buffer.numel() < pixels.numel():  # locking pages takes milliseconds
            buffer = self._pinned[place] = self._torch.empty(pixels.numel(), dtype=pixels.dtype, pin_memory=True)
        locked = buffer[: pixels.numel()].view(pixels.shape)
        locked.copy_(pixels)
        return locked.to(self._device, non_blocking=True)

    def _fetch(self, raws: list[Any]) -> list[NDArray[np.float32]]:
        """(n, k, 6) of each group, all after one wait."""
        fetched = []
        for raw in raws:
            rows = raw[:, :_MOST_ON_GPU, :6].float() if self._end2end else most_confident(raw, _MOST_ON_GPU)
            answer = self._torch.empty(rows.shape, dtype=rows.dtype, pin_memory=True)
            fetched.append(answer.copy_(rows, non_blocking=True))
        self._torch.cuda.current_stream(self._device).synchronize()
        return [np.asarray(rows.numpy()) for rows in fetched]

    def _on_stream(self) -> AbstractContextManager[Any]:
        return nullcontext() if self._stream is None else self._torch.cuda.stream(self._stream)


def most_confident(raw: Any, most: int) -> Any:
    """(n, 4 + classes, boxes) torch to (n, k, 6) float32: x1 y1 x2 y2, confidence, class, k at most `most`."""
    import torch

    scores, classes = raw[:, 4:].max(1)
    best = scores.topk(min(most, scores.shape[1]), 1).indices
    boxes = raw[:, :4].gather(2, best[:, None].expand(-1, 4, -1)).float()  # halves cannot tell pixels apart
    centres, half = boxes[:, :2], boxes[:, 2:] / 2
    corners = torch.cat((centres - half, centres + half), 1).transpose(1, 2)
    told = torch.stack((scores.gather(1, best).float(), classes.gather(1, best).float()), 2)
    return torch.cat((corners, told), 2)


def _told(rows: Rows, confidence: float, iou: float, end2end: bool) -> Rows:
    confident = np.ascontiguousarray(rows[rows[:, 4] > confidence])
    return confident[:MOST_OBJECTS] if end2end else suppressed(confident, iou)
