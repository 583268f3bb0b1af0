"""Tries a source in a process of its own, which may hang or crash on what a stranger's server sends:
`python -m cluster.camera.source_trial` takes `{"camera": ..., "allowed": ...}` on stdin and prints one line of JSON."""

import base64
import json
import sys
from functools import partial
from typing import Any

from cluster.camera.api_sources import open_checked
from cluster.camera.live_pictures import encode_jpeg
from cluster.camera.opening import first_frame
from cluster.camera.privacy import PrivacyMasks
from cluster.camera.shrink import shrink
from cluster.safety.errors import CameraError, ConfigError
from cluster.safety.frames import Image
from cluster.safety.pictures import PictureProfile
from cluster.safety.redaction import redact
from cluster.settings.cameras import CameraSettings
from cluster.settings.site import ApiCameraSettings

LONGEST_OPEN_S, LONGEST_READ_S = 7.0, 3.0


def trial(camera: CameraSettings, allowed: ApiCameraSettings) -> dict[str, Any]:
    """`ok`, size and rate of what comes, and its first `picture` (a JPEG in base64, with the masks of `camera`); or
    `code`, `reason` and `mend`. As JSON values."""
    limits = {
        "open_timeout_s": min(camera.open_timeout_s, LONGEST_OPEN_S),
        "read_timeout_s": min(camera.read_timeout_s, LONGEST_READ_S),
    }
    try:
        facts, image = first_frame(camera.model_copy(update=limits), partial(open_checked, allowed))
    except (CameraError, ConfigError) as error:
        code = error.code if isinstance(error, CameraError) else "config"
        return failed(code, error.reason, error.mend)
    found = {"width": facts.width, "height": facts.height, "fps": round(facts.fps, 2), "codec": facts.codec}
    return {"ok": True, "code": "", "reason": "", "mend": "", "picture": _picture(image, camera), **found}


def _picture(image: Image, camera: CameraSettings) -> str:
    profile = PictureProfile.WALL
    # What came is another's array; only a copy is painted.
    shown = shrink(image, profile.width_px).copy()
    PrivacyMasks(camera.privacy_masks).paint(shown)
    return base64.b64encode(encode_jpeg(shown, profile.jpeg_quality)).decode()


def failed(code: str, reason: str, mend: str = "") -> dict[str, Any]:
    """A source that gives nothing."""
    nothing = {"width": None, "height": None, "fps": None, "codec": None, "picture": None}
    return {"ok": False, "code": code, "reason": redact(reason), "mend": redact(mend), **nothing}


def main() -> None:
    asked = json.load(sys.stdin)
    camera = CameraSettings.model_validate(asked["camera"])
    answer = trial(camera, ApiCameraSettings.model_validate(asked["allowed"]))
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
