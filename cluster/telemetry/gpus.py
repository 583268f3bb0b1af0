"""What NVIDIA's library says of the GPUs of this machine."""

from dataclasses import dataclass
from typing import Any, Protocol

import structlog

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One GPU at this moment. `gpu` is its number on the machine; None: the GPU does not say."""

    gpu: str
    used_bytes: float | None
    total_bytes: float | None
    busy_percent: float | None
    celsius: float | None


class ReadGpus(Protocol):
    """The GPUs of this machine; blocks, and may hang with its driver."""

    def __call__(self) -> list[GpuReading]: ...


class NvmlGpus:
    """`ReadGpus` by NVML. Without driver or GPU there are no readings, rather than zeros. One thread at a time."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._absent = False

    def __call__(self) -> list[GpuReading]:
        if not self._begun():
            return []
        nvml = self._nvml
        try:
            handles = [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(nvml.nvmlDeviceGetCount())]
            return [self._read(number, handle) for number, handle in enumerate(handles)]
        except nvml.NVMLError as error:
            # A driver that was unloaded or updated under us: begun anew with the next reading.
            _log.warning("gpus_not_read", reason=str(error))
            self._nvml = None
            return []

    def _begun(self) -> bool:
        if self._nvml is not None or self._absent:
            return self._nvml is not None
        # Here, because camera processes import what is beside this module and have no business with GPUs.
        import pynvml

        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            self._absent = True
            _log.info("no_gpu_readings", reason=str(error))
            return False
        self._nvml = pynvml
        return True

    def _read(self, number: int, handle: Any) -> GpuReading:
        nvml = self._nvml
        memory = self._asked(nvml.nvmlDeviceGetMemoryInfo, handle)
        rates = self._asked(nvml.nvmlDeviceGetUtilizationRates, handle)
        celsius = self._asked(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU)
        return GpuReading(
            gpu=str(number),
            used_bytes=None if memory is None else float(memory.used),
            total_bytes=None if memory is None else float(memory.total),
            busy_percent=None if rates is None else float(rates.gpu),
            celsius=None if celsius is None else float(celsius),
        )

    def _asked(self, question: Any, *arguments: Any) -> Any:
        """None where this GPU cannot tell: a part of a GPU (MIG) has no utilization, for one."""
        try:
            return question(*arguments)
        except self._nvml.NVMLError_NotSupported:
            return None
