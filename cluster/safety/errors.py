"""Every error that a caller may meet, on one page.

    SafeYoloError
    ├── ConfigError            a file, key or field holds a wrong value
    ├── CameraError            a source gives no frames
    │   ├── CameraUnreachable  refused connection, unknown host, time-out while connecting
    │   ├── CameraUnauthorized user or password refused
    │   ├── CameraNotFound     no such path, file or device
    │   ├── CameraUnreadable   connected, but no video or a codec that cannot be read
    │   ├── CameraStalled      no frame within the read deadline
    │   └── CameraEnded        the stream or file came to its end
    ├── DetectorError          no answer to a frame
    │   ├── WeightsError       a weights file that must not or cannot be loaded
    │   ├── DetectorTimeout    no answer within the deadline
    │   └── DetectorUnavailable no replica, or one that failed
    ├── StorageError
    │   ├── DatabaseUnavailable
    │   ├── SnapshotsUnavailable
    │   ├── LeaseLost          an older epoch tried to write
    │   ├── CameraChanged      somebody else changed the settings of a camera meanwhile
    │   └── OutboxBusy         another living process owns the camera's outbox
    ├── ChannelError           a message did not reach its channel
    │   ├── ChannelRefused     it will never be taken: a wrong token, an unknown number
    │   └── ChannelUnavailable not now: no answer, an error of the service, too many at once
    ├── AccountError           a user, a token or a sign-in that cannot be as it was asked for
    │   ├── AccountUnknown     there is no such user or token
    │   ├── AccountConflict    the name is taken, or nobody would be left who may administer
    │   ├── SignInRefused      a wrong name or password
    │   └── SignInSlowed       too many wrong ones: not before a while
    ├── OutboxFull             the camera's own disk has no place left
    ├── SupervisorSuperseded   a supervisor that was followed by another gives orders
    └── OperationError         the command `safe-yolo` could not do what was asked
        ├── MachineUnfit       a busy port, a foreign Ray, too little disk or memory
        ├── SiteUnhealthy      deployed, but it does not become or stay healthy
        └── Interrupted        somebody asked to stop

Errors cross process borders: every constructor hands all of its arguments to `super().__init__`, so that
pickling rebuilds them, and `__str__` formats the one line. Texts are redacted where they are made.
"""

from cluster.safety.redaction import redact


class SafeYoloError(Exception):
    """Base of all errors that SAFE-YOLO raises on purpose."""


class ConfigError(SafeYoloError):
    """A wrong value in a file, an argument or a request.

    `where` names the file or request, `key` the place in it (`cameras[0].zones[1].polygon`),
    `value` what stood there (redacted), `mend` what to write instead.
    """

    def __init__(self, where: str, key: str, value: str, reason: str, mend: str = "") -> None:
        value, reason = redact(value), redact(reason)  # also in `args`, which `repr` shows
        super().__init__(where, key, value, reason, mend)
        self.where, self.key, self.value, self.reason, self.mend = where, key, value, reason, mend

    def __str__(self) -> str:
        place = f"{self.where}: {self.key}" if self.key else self.where
        value = f" = {self.value}" if self.value else ""
        return _one_line(f"{place}{value}: {self.reason}", self.mend)


class _Reasoned(SafeYoloError):
    """An error that is a reason and a mend."""

    def __init__(self, reason: str, mend: str = "") -> None:
        reason = redact(reason)
        super().__init__(reason, mend)
        self.reason, self.mend = reason, mend

    def __str__(self) -> str:
        return _one_line(self.reason, self.mend)


class CameraError(_Reasoned):
    """A source gives no frames. `code` is the label of the class in logs and metrics."""

    code = "error"


class CameraUnreachable(CameraError):
    code = "unreachable"


class CameraUnauthorized(CameraError):
    code = "unauthorized"


class CameraNotFound(CameraError):
    code = "not_found"


class CameraUnreadable(CameraError):
    code = "unreadable"


class CameraStalled(CameraError):
    code = "stalled"


class CameraEnded(CameraError):
    code = "ended"


class DetectorError(_Reasoned):
    """A frame got no answer."""


class WeightsError(DetectorError):
    """Weights that are missing, truncated, of another task or with another sha256."""


class DetectorTimeout(DetectorError):
    """No answer within the deadline of the call."""


class DetectorUnavailable(DetectorError):
    """No replica could take the frame, or the replica failed on it."""


class StorageError(_Reasoned):
    """Something could not be kept."""


class DatabaseUnavailable(StorageError):
    """The database did not answer; the caller keeps what it has and tries again."""


class SnapshotsUnavailable(StorageError):
    """The snapshot store did not take or give a picture; rows are not affected."""


class LeaseLost(StorageError):
    """Another owner holds the camera with a newer epoch; what this one sends is refused."""

    def __init__(self, camera_id: str, epoch: int, current_epoch: int) -> None:
        SafeYoloError.__init__(self, camera_id, epoch, current_epoch)
        self.camera_id, self.epoch, self.current_epoch = camera_id, epoch, current_epoch
        self.reason = f"camera {camera_id}: epoch {epoch} was followed by {current_epoch}"
        self.mend = ""


class CameraChanged(StorageError):
    """The settings of a camera are of another revision than who changes them has seen."""


class OutboxBusy(StorageError):
    """Another living process owns the outbox of this camera on this node."""


class ChannelError(_Reasoned):
    """A message did not reach its channel."""


class ChannelRefused(ChannelError):
    """It will never be taken as it is."""


class ChannelUnavailable(ChannelError):
    """Not now. `retry_after_s`: what the channel asked for, None: nothing. `uncertain`: it may have arrived."""

    def __init__(
        self, reason: str, mend: str = "", retry_after_s: float | None = None, uncertain: bool = False
    ) -> None:
        super().__init__(reason, mend)
        self.args = (self.reason, mend, retry_after_s, uncertain)
        self.retry_after_s, self.uncertain = retry_after_s, uncertain


class AccountError(_Reasoned):
    """A user, a token or a sign-in cannot be as it was asked for; the reason may be shown to who asked."""


class AccountUnknown(AccountError):
    """There is no such user or token."""


class AccountConflict(AccountError):
    """The name is taken, or nobody would be left who may administer."""


class SignInRefused(AccountError):
    """A wrong name or password; nobody is told which."""


class SignInSlowed(AccountError):
    """Too many wrong ones; `retry_after_s`: in how many seconds the next one is looked at."""

    def __init__(self, reason: str, mend: str = "", retry_after_s: float = 0.0) -> None:
        super().__init__(reason, mend)
        self.args = (self.reason, mend, retry_after_s)
        self.retry_after_s = retry_after_s


class OutboxFull(SafeYoloError):
    """Events could not be made durable: neither room nor anything of lower severity to drop, or a broken disk."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(folder, reason)
        self.folder, self.reason = folder, reason

    def __str__(self) -> str:
        return _one_line(f"outbox {self.folder}: {self.reason}", "free disk space or raise outbox.max_bytes")


class SupervisorSuperseded(SafeYoloError):
    """Orders of a supervisor that was followed by another; camera actors refuse them."""

    def __init__(self, epoch: int, current_epoch: int) -> None:
        super().__init__(epoch, current_epoch)
        self.epoch, self.current_epoch = epoch, current_epoch

    def __str__(self) -> str:
        return f"the supervisor of epoch {self.epoch} was followed by {self.current_epoch}"


class OperationError(_Reasoned):
    """The command `safe-yolo` could not do what was asked."""


class MachineUnfit(OperationError):
    """The machine lacks something: a busy port, a Ray that is not ours, too little disk or memory."""


class SiteUnhealthy(OperationError):
    """The site was deployed, and does not become or stay healthy; or none runs."""


class Interrupted(OperationError):
    """A signal asked to stop while something was waited for."""


def _one_line(text: str, mend: str) -> str:
    joined = f"{text}; {mend}" if mend else text
    return " ".join(joined.split())
