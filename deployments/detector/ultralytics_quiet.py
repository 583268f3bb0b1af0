"""Keeps Ultralytics 8.4.190 from doing what nobody asked it to: telemetry, downloads, pip, files all over the disk.

It decides at import, from the environment: `YOLO_OFFLINE` makes its ONLINE false (no events, no update check, no
downloads), `YOLO_AUTOINSTALL` forbids pip, `YOLO_CONFIG_DIR` holds its settings file. Call `quieten` before
anything imports ultralytics; the modules here that import it do so inside functions for that reason.
"""

import os
import sys
from typing import Any

from cluster.safety.errors import DetectorError
from cluster.settings.base import cache_folder

_ENVIRONMENT = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}
_OFF = ("sync", "clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb", "vscode_msg", "openvino_msg")


def quieten() -> None:
    """Set the environment, import ultralytics, switch its integrations off. Doing it again changes nothing.

    Raises:
        DetectorError: ultralytics was imported before, by somebody who let it go online.
    """
    os.environ.update(_ENVIRONMENT)
    if "ultralytics" not in sys.modules:
        os.environ["YOLO_CONFIG_DIR"] = str(cache_folder())
    from ultralytics import utils

    if utils.ONLINE or utils.AUTOINSTALL:
        raise DetectorError("ultralytics was imported before it was told to stay offline", "call quieten() first")
    wanted = dict.fromkeys(_OFF, False)
    settings: Any = utils.SETTINGS  # writes its file at each change
    if any(settings[name] for name in wanted):
        settings.update(wanted)
