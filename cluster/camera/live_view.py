"""What people are shown of one camera: its newest picture with the boxes found in it, or why there is none."""

import time

from cluster.camera.latest_frame import LatestFrame
from cluster.camera.ledger import EpisodeLedger
from cluster.camera.live_pictures import LivePictures
from cluster.camera.pipeline import Pipeline
from cluster.camera.watch import SHOWN, Watch
from cluster.safety.frames import Frame
from cluster.safety.pictures import LivePicture, PictureProfile
from cluster.settings.cameras import Assignment


class LiveView:
    """Any thread may call, any number at once; everything is read from those who do the work."""

    def __init__(self, frames: LatestFrame, watch: Watch, pipeline: Pipeline, ledger: EpisodeLedger) -> None:
        self._frames, self._watch, self._pipeline, self._ledger = frames, watch, pipeline, ledger
        self._pictures = LivePictures()

    def picture(
        self, assignment: Assignment, profile: PictureProfile, after: tuple[int, int], timeout_s: float
    ) -> LivePicture | None:
        """The newest frame after (epoch, sequence); what is wrong, if the camera is blind; None at the timeout."""
        after_sequence = after[1] if after[0] == assignment.epoch else 0
        if self._watch.verdict()[0] not in SHOWN:
            return self._no_picture(assignment)
        frame = self._frames.take(after_sequence, timeout_s)
        if self._watch.verdict()[0] not in SHOWN:
            return self._no_picture(assignment)
        return None if frame is None else self._live_picture(assignment, frame, profile)

    def _live_picture(self, assignment: Assignment, frame: Frame, profile: PictureProfile) -> LivePicture:
        jpeg, width, height = self._pictures.encode(frame, profile)
        looked, (status, reason) = self._pipeline.looked(), self._watch.verdict()
        return LivePicture(
            camera_id=frame.camera_id,
            epoch=frame.epoch,
            sequence=frame.sequence,
            captured_at=frame.captured_at,
            status=status,
            reason=reason,
            width=width,
            height=height,
            jpeg=jpeg,
            # Boxes of a detector that stopped answering would stand still over a moving picture.
            objects=looked.objects if self._is_looked_at(assignment) else (),
            objects_sequence=looked.sequence,
            zones=self._ledger.outlines(),
        )

    def _is_looked_at(self, assignment: Assignment) -> bool:
        camera, inference_s = assignment.camera, self._pipeline.looked().inference_s
        if self._pipeline.look_state().refused or not camera.detect or inference_s is None:
            return False
        return time.monotonic() - inference_s <= camera.degraded_after_s

    def _no_picture(self, assignment: Assignment) -> LivePicture:
        status, reason = self._watch.verdict()
        return LivePicture(
            camera_id=assignment.camera.camera_id,
            epoch=assignment.epoch,
            sequence=0,
            captured_at=self._watch.since,
            status=status,
            reason=reason,
            width=0,
            height=0,
            jpeg=b"",
            zones=self._ledger.outlines(),
        )
