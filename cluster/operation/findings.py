"""What a check found, one line each: for a person's table, for `--json`, and for the exit code."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from cluster.safety.errors import SafeYoloError
from cluster.safety.redaction import redact


class Level(StrEnum):
    """OK, WARNING: works, but look at it; ERROR: will not work."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check. `mend` says what to do about it, "" where nothing is to be done."""

    level: Level
    subject: str
    text: str
    mend: str = ""

    def as_json(self) -> dict[str, str]:
        return {key: redact(value) for key, value in asdict(self).items()}


def ok(subject: str, text: str) -> Finding:
    return Finding(Level.OK, subject, text)


def warning(subject: str, text: str, mend: str = "") -> Finding:
    return Finding(Level.WARNING, subject, text, mend)


def fault(subject: str, error: SafeYoloError) -> Finding:
    """An error as a finding; its own one line, the mend set apart where the error carries one."""
    mend = getattr(error, "mend", "")
    text = str(error)
    return Finding(Level.ERROR, subject, text.removesuffix(f"; {mend}") if mend else text, mend)


def has_errors(findings: Iterable[Finding]) -> bool:
    return any(finding.level is Level.ERROR for finding in findings)
