"""What a replica may compute on: one GPU if it sees one, else the cores that it was given."""

import os

from cluster.safety.errors import ConfigError, DetectorUnavailable
from deployments.detector.gpu_faults import GPU_MISSING

THREADS_VARIABLE = "SAFE_YOLO_DETECTOR_THREADS"


def thread_count(assigned_cpus: float = 0.0) -> int:
    """Threads that one inference uses on a CPU.

    `SAFE_YOLO_DETECTOR_THREADS` if it is set. Else `assigned_cpus`, the `num_cpus` of the replica, if that is
    more than 1: then somebody chose it. 1 is what Ray writes where nobody did, and with it Ray sets
    OMP_NUM_THREADS=1, at which torch runs at half its speed: then all cores that the process may run on.

    Raises:
        ConfigError: the variable is no whole number from 1.
    """
    text = os.environ.get(THREADS_VARIABLE, "")
    if text:
        if not text.isascii() or not text.isdigit() or int(text) < 1:
            raise ConfigError("environment", THREADS_VARIABLE, text, "is no whole number from 1", "unset it")
        return int(text)
    return int(assigned_cpus) if assigned_cpus > 1 else len(os.sched_getaffinity(0))


def require_gpu(assigned: float) -> None:
    """Refuse to go on without the GPU of which this process was given a part.

    Otherwise a replica whose card fell out would come up on all cores of its node, a twentieth as fast, call itself
    well, and take the cores from the cameras.

    Raises:
        DetectorUnavailable: torch sees no GPU.
    """
    import torch

    if assigned > 0 and not torch.cuda.is_available():
        raise DetectorUnavailable(
            f"num_gpus {assigned:g} was given to this replica, but {GPU_MISSING}",
            "look at nvidia-smi on this node and at torch's CUDA build, or deploy with num_gpus: 0",
        )
