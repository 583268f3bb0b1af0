"""OpenVINO on the cores of this machine, called directly: pictures as they come go in, boxes come out.

Conversion to floats, scale, channel order and layout are steps of the compiled network, so that the letterbox is
the only other touch of the pixels. One picture is worked at by all cores. Two pictures that wait together go side
by side, each on half of the cores: cores that need not meet after every layer do a sixth to a third more, the
more so the busier the machine is, while two pictures one after the other would answer no sooner.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.safety.frames import Image
from deployments.detector.suppression import Rows, found_in

_UNPINNED = {"ENABLE_CPU_PINNING": False}
"""Pinned threads wait for their core while a camera uses it, and those of two replicas for the same one."""


class OpenVinoCpu:
    """A detection network in OpenVINO's format. Belongs to one thread: its requests keep their buffers."""

    def __init__(self, network: Path, threads: int, *, end2end: bool) -> None:
        """`network`: the .xml file. Raises RuntimeError: OpenVINO cannot read it."""
        import openvino

        self._tensor = openvino.Tensor
        self._end2end = end2end
        core = openvino.Core()
        model = _taking_pictures(core.read_model(network))
        self._alone = _requests(core, model, threads, 1)
        self._side_by_side = _requests(core, model, threads, 2) if threads > 1 else []

    @property
    def at_once(self) -> int:
        """Pictures that are worked at together where more than one waits."""
        return max(1, len(self._side_by_side))

    def detect(self, groups: Sequence[Image], confidence: float, iou: float) -> list[list[Rows]]:
        """For each group, C-contiguous (n, h, w, 3) uint8 BGR, the n times (m, 6) that `found_in` gives."""
        pictures = [picture[None] for group in groups for picture in group]
        rows = iter([found_in(raw[0], confidence, iou, end2end=self._end2end) for raw in self._outputs(pictures)])
        return [[next(rows) for _ in group] for group in groups]

    def infer(self, batch: Image) -> NDArray[np.float32]:
        """(n, 4 + classes, boxes): what comes out of the network itself."""
        return np.concatenate([raw.copy() for raw in self._outputs([picture[None] for picture in batch])])

    def _outputs(self, pictures: list[Image]) -> Iterator[NDArray[np.float32]]:
        """One after the other; each is the request's own buffer, and gone with the next."""
        for first in range(0, len(pictures), self.at_once):
            together = pictures[first : first + self.at_once]
            requests = self._alone if len(together) == 1 else self._side_by_side[: len(together)]
            try:
                for request, picture in zip(requests, together, strict=True):
                    request.set_input_tensor(self._tensor(picture, shared_memory=True))
                    request.start_async()
                for request in requests:
                    request.wait()
                    yield request.get_output_tensor(0).data
            finally:
                _finish(requests)


def _finish(requests: list[Any]) -> None:
    """Nothing may still read pictures that their owner is about to let go, also where one of them failed."""
    for request in requests:
        with contextlib.suppress(RuntimeError):  # it was said where it was waited for first
            request.wait()


def _requests(core: Any, model: Any, threads: int, streams: int) -> list[Any]:
    config = {"NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": threads, **_UNPINNED}
    compiled = core.compile_model(model, "CPU", config)
    return [compiled.create_infer_request() for _ in range(streams)]


def _taking_pictures(model: Any) -> Any:
    """`model`, which takes (n, 3, h, w) RGB in 0..1, made to take (n, h, w, 3) BGR in 0..255, as cameras give it."""
    from openvino import Layout, Type
    from openvino.preprocess import ColorFormat, PrePostProcessor

    steps = PrePostProcessor(model)
    picture = steps.input()
    picture.tensor().set_element_type(Type.u8).set_layout(Layout("NHWC")).set_color_format(ColorFormat.BGR)
    picture.model().set_layout(Layout("NCHW"))
    picture.preprocess().convert_element_type(Type.f32).convert_color(ColorFormat.RGB).scale(255.0)
    return steps.build()
