"""One frame that a replica is asked about: whether it is a picture, and the line that says what was on it."""

import logging
from typing import Any

import numpy as np
import structlog

from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError
from cluster.safety.frames import Image, camera_of
from cluster.telemetry.log_levels import levels
from cluster.telemetry.request_ids import request_id

log = structlog.get_logger()


def refuse_what_is_no_picture(image: Any) -> None:
    """Before batching, so that one wrong caller costs the others in the batch nothing.

    Raises:
        DetectorError: not (h, w, 3) uint8, or without pixels.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        shape = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise DetectorError(f"expected a picture (h, w, 3) uint8, got {shape}")
    if 0 in image.shape:
        raise DetectorError(f"expected a picture with pixels, got {image.shape}")


def say_found(image: Image, found: Detections) -> None:
    """One frame's line; its request id is the frame's correlation id (`ServeDetector`)."""
    frame_id = request_id()
    camera_id = camera_of(frame_id)
    if not levels.admits(logging.DEBUG, camera_id):
        return
    log.debug(
        "inference_done",
        camera_id=camera_id,
        correlation_id=frame_id,
        bytes=image.nbytes,
        detection_count=len(found),
        inference_time_ms=round(found.inference_s * 1000, 2),
        boxes=found.boxes.round(3).tolist(),
    )
