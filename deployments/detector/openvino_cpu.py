"""OpenVINO on the cores of this machine, called directly: pictures as they come go in, boxes come out.

Conversion to floats, scale, channel order and layout are steps of the compiled network, so that the letterbox is
the only other touch of the pixels. One picture is worked at by all cores. Where more than one waits, they go side by
side, each on its lane with half of the cores: cores that need not meet after every layer do a sixth more, and a
lane that is done begins its next picture without waiting for the other.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.safety.frames import Image
from deployments.detector.suppression import Rows, found_in

_LANES = 2
_UNPINNED = {"ENABLE_CPU_PINNING": False}
"""Pinned threads wait for their core while a camera uses it, and those of two replicas for the same one."""


class OpenVinoCpu:
    """A detection network in OpenVINO's format. Each lane belongs to one thread: its request keeps its buffers."""

    def __init__(self, network: Path, threads: int, *, end2end: bool) -> None:
        """`network`: the .xml file. Raises RuntimeError: OpenVINO cannot read it."""
        import openvino

        self._tensor = openvino.Tensor
        self._end2end = end2end
        core = openvino.Core()
        model = _taking_pictures(core.read_model(network))
        self._alone = _requests(core, model, threads, 1)[0]
        self._side_by_side = _requests(core, model, threads, _LANES) if threads > 1 else []

    @property
    def lanes(self) -> int:
        """Pictures that can be worked at beside each other, each by a thread of its own."""
        return max(1, len(self._side_by_side))

    def detect(
        self, groups: Sequence[Image], confidence: float, iou: float, lane: int | None = None
    ) -> list[list[Rows]]:
        """For each group, C-contiguous (n, h, w, 3) uint8 BGR, the n times (m, 6) that `found_in` gives.

        `lane`: on its share of the cores; None: on all of them.
        """
        request = self._alone if lane is None else self._side_by_side[lane]
        return [
            [found_in(self._output(request, picture)[0], confidence, iou, end2end=self._end2end) for picture in group]
            for group in groups
        ]

    def infer(self, batch: Image) -> NDArray[np.float32]:
        """(n, 4 + classes, boxes): what comes out of the network itself."""
        return np.concatenate([self._output(self._alone, picture).copy() for picture in batch])

    def _output(self, request: Any, picture: Image) -> NDArray[np.float32]:
        """(1, 4 + classes, boxes), the request's own buffer: gone with its next picture."""
        request.set_input_tensor(self._tensor(picture[None], shared_memory=True))
        request.infer()
        output: NDArray[np.float32] = request.get_output_tensor(0).data
        return output


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
