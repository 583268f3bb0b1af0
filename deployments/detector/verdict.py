"""A verdict on weights for who must not import torch: `python -m deployments.detector.verdict [--load] NAME`.

Prints one line of JSON, `{"model", "ok", "reason", "mend", "path"}`; exits 0 if the weights may serve, else 1.
Without `--load` it checks file and sha256 only, which takes no torch and less than a second.
"""

import argparse
import contextlib
import json
import sys
from typing import Any

from cluster.safety.errors import SafeYoloError
from cluster.settings.load import MODELS_FILE, load_models, parse
from cluster.settings.models import DetectorSettings, ModelSettings
from deployments.detector.weights import verified


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deployments.detector.verdict", description=__doc__)
    parser.add_argument("name", help="a model out of the models file")
    parser.add_argument("--models", default=MODELS_FILE)
    parser.add_argument("--load", action="store_true", help="also open them and look at one picture")
    parser.add_argument("--runtime", default="auto", help="what to open them with, as in serve_config.yaml")
    options = parser.parse_args(arguments)
    with contextlib.redirect_stdout(sys.stderr):  # stdout is the caller's: no log lines of ours or Ultralytics'
        verdict = _verdict(options.name, options.models, options.runtime if options.load else "")
    sys.stdout.write(json.dumps(verdict, ensure_ascii=False) + "\n")
    return 0 if verdict["ok"] else 1


def _verdict(name: str, models: str, runtime: str) -> dict[str, Any]:
    """`runtime` opens the weights; "" leaves them closed."""
    verdict: dict[str, Any] = {"model": name, "ok": False, "reason": "", "mend": "", "path": ""}
    try:
        entry = load_models(models).named(name)
        verdict["path"] = str(verified(entry))
        if runtime:
            _prove(entry, runtime)
        verdict["ok"] = True
    except SafeYoloError as error:
        verdict |= {"reason": getattr(error, "reason", str(error)), "mend": getattr(error, "mend", "")}
    except KeyError as error:
        verdict["reason"] = str(error.args[0])
    return verdict


def _prove(entry: ModelSettings, runtime: str) -> None:
    from deployments.detector.model import YoloModel  # torch: only who asks for it waits for it

    settings = parse(DetectorSettings, {"model": entry.name, "image_size": 320, "runtime": runtime}, where="verdict")
    YoloModel.load(settings, entry).prove()


if __name__ == "__main__":
    sys.exit(main())
