"""What a detector found in one picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Objects of one frame, n of them, in no particular order.

    boxes: (n, 4) float32, x1 y1 x2 y2 in 0..1 of the picture, x1 <= x2 and y1 <= y2.
    confidences: (n,) float32 in 0..1.  labels: n names out of `objects.OBJECT_NAMES`.
    model_digest: sha256 of the weights that found them.  image_size: long side in pixels that the
    model wants its pictures in.  inference_s: what the model itself took, without queueing.
    knows: all labels that this model can find; rules about others cannot be judged. None: not said.
    """

    boxes: NDArray[np.float32]
    confidences: NDArray[np.float32]
    labels: tuple[str, ...]
    model_digest: str
    image_size: int
    inference_s: float
    knows: frozenset[str] | None = None

    def __post_init__(self) -> None:
        n = len(self.labels)
        if self.boxes.shape != (n, 4) or self.confidences.shape != (n,):
            raise ValueError(
                f"expected boxes ({n}, 4) and confidences ({n},) for {n} labels, "
                f"got {self.boxes.shape} and {self.confidences.shape}"
            )

    def __len__(self) -> int:
        return len(self.labels)
