"""What lets the Detector scale: fractions of a GPU that fit, and a target that the cameras can exceed.

A camera has at most one frame on its way. By Little's law it has `detect_fps x answer_s` of them on average, so

    target_ongoing_requests = cameras a replica x min(1, detect_fps x answer_s)

where `answer_s` is how late an answer may come in good times. Where the detectors cannot follow, answers come later
until each camera has its one frame on its way always; that is the most that the autoscaler can ever see.
"""

import math
from collections.abc import Iterator
from typing import Any

from cluster.operation.findings import Finding, warning
from cluster.settings.models import FRAMES_IN_FLIGHT_PER_CAMERA

_WASTE = 0.005
"""Part of a GPU that rounding of 1/3 may leave unused."""


def most_replicas(cameras: int, target: float) -> int:
    """To so many the autoscaler goes when no camera gets its answers in time."""
    return max(1, math.ceil(cameras * FRAMES_IN_FLIGHT_PER_CAMERA / target))


def fraction_fault(num_gpus: float) -> tuple[str, str] | None:
    """Reason and mend, if replicas that take `num_gpus` each do not fill whole GPUs; None if they do."""
    if num_gpus <= 0 or float(num_gpus).is_integer():
        return None
    replicas = max(1, round(1 / num_gpus))
    if 1 - _WASTE <= replicas * num_gpus <= 1:
        return None
    more = max(1, int(1 / num_gpus)) + (num_gpus < 1)
    fits = sorted({_rounded_down(1 / more), _rounded_down(1 / max(1, more - 1))})
    return "is neither a whole number nor 1/n, so GPUs could never be filled", f"write {' or '.join(fits)}"


def scaling_findings(where: str, key: str, detector: dict[str, Any], cameras: int) -> Iterator[Finding]:
    """What of the deployment `detector`, which stands at `key` of the file, would not do what it says."""
    scaling = detector.get("autoscaling_config") or {}
    least, most = int(scaling.get("min_replicas", 1)), int(scaling.get("max_replicas", 1))
    target = float(scaling.get("target_ongoing_requests", 2))
    reach = most_replicas(cameras, target) if cameras else most
    if most > max(least, 1) and reach <= max(least, 1):
        yield warning(
            f"{where}: {key}.autoscaling_config.target_ongoing_requests",
            f"{cameras} camera{'s have' if cameras != 1 else ' has'} at most {cameras} frames on their way, so that "
            f"a target of {target:g} never starts a second replica",
            f"lower it under {cameras}, or leave it until there are more cameras",
        )
    batch = int((detector.get("user_config") or {}).get("max_batch_size", 8))
    taken = int(detector.get("max_ongoing_requests") or 5)
    if (detector.get("ray_actor_options") or {}).get("num_gpus") and taken < batch:
        yield warning(
            f"{where}: {key}.max_ongoing_requests",
            f"a replica takes {taken} frames, so that a batch of {batch} is never full",
            f"write at least {batch}, or lower max_batch_size",
        )


def _rounded_down(fraction: float) -> str:
    """Four digits: 0.3334 three times is more than a GPU."""
    return f"{math.floor(fraction * 10_000) / 10_000:g}"
