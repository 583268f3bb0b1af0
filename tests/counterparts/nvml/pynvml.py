"""A stand-in for NVIDIA's library: put its folder first on PYTHONPATH, and the machine has the GPUs of NVML_STAND_IN.

NVML_STAND_IN names a JSON file, read at each question: a list of {"used", "total" (bytes), "busy" (percent),
"celsius"}; null: that GPU does not say. No file: no driver.
"""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

NVML_TEMPERATURE_GPU = 0


class NVMLError(Exception):
    pass


class NVMLError_NotSupported(NVMLError):  # noqa: N801 - NVIDIA's name
    pass


class NVMLError_LibraryNotFound(NVMLError):  # noqa: N801 - NVIDIA's name
    pass


def _gpus() -> list[dict[str, float | None]]:
    try:
        return json.loads(Path(os.environ["NVML_STAND_IN"]).read_text())
    except (KeyError, OSError) as error:
        raise NVMLError_LibraryNotFound("NVML Shared Library Not Found") from error


def _said(number: int, *names: str) -> Any:
    values = {name: _gpus()[number].get(name) for name in names}
    if None in values.values():
        raise NVMLError_NotSupported("Not Supported")
    return SimpleNamespace(**values)


def nvmlInit() -> None:  # noqa: N802 - NVIDIA's name
    _gpus()


def nvmlDeviceGetCount() -> int:  # noqa: N802 - NVIDIA's name
    return len(_gpus())


def nvmlDeviceGetHandleByIndex(number: int) -> int:  # noqa: N802 - NVIDIA's name
    return number


def nvmlDeviceGetMemoryInfo(number: int) -> Any:  # noqa: N802 - NVIDIA's name
    return _said(number, "used", "total")


def nvmlDeviceGetUtilizationRates(number: int) -> Any:  # noqa: N802 - NVIDIA's name
    return SimpleNamespace(gpu=_said(number, "busy").busy)


def nvmlDeviceGetTemperature(number: int, _: int) -> Any:  # noqa: N802 - NVIDIA's name
    return _said(number, "celsius").celsius
