"""What of a GPU's faults passes, and what only another process mends."""

import pytest
import torch

from cluster.safety.errors import DetectorError
from deployments.detector.gpu_faults import is_context_lost, is_out_of_memory

ILLEGAL = "CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be reported later"


def caused(cause: Exception) -> Exception:
    error = DetectorError("inference failed")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "no_room", "lost"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory."), True, False),
        (torch.AcceleratorError("CUDA error: out of memory"), True, False),
        (torch.AcceleratorError(ILLEGAL), False, True),
        (RuntimeError("CUDA error: unspecified launch failure"), False, True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False, False),
        (MemoryError("no room"), False, False),
        (DetectorError("expected a picture"), False, False),
    ],
)
def test_faults_are_told_apart_also_by_their_cause(error: Exception, no_room: bool, lost: bool) -> None:
    for each in (error, caused(error), caused(caused(error))):
        assert (is_out_of_memory(each), is_context_lost(each)) == (no_room, lost)
