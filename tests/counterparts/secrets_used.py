"""Secrets that tests use, each with one mark in it, so that a look through all that was written finds a leak."""

from collections.abc import Iterable
from pathlib import Path

MARK = "Geheim-7"
_PICTURES = frozenset({".jpg", ".mp4", ".jpeg"})


def secret(name: str) -> str:
    """A password, token or key for a test: `secret("aws")`."""
    return f"{MARK}-{name}"


def leaks(*folders: Path) -> list[str]:
    """Files below `folders` in which a secret of the tests stands."""
    return [str(file) for folder in folders for file in _files(folder) if _has_mark(file)]


def assert_no_secret_in(*folders: Path) -> None:
    """Whoever started processes looks through what they wrote before it is removed."""
    assert leaks(*folders) == [], "a password, token or key that tests use was written there"


def _files(folder: Path) -> Iterable[Path]:
    return (file for file in folder.rglob("*") if file.suffix not in _PICTURES and file.is_file())


def _has_mark(file: Path) -> bool:
    try:
        return MARK.encode() in file.read_bytes()
    except OSError:
        return False  # gone meanwhile, or a socket
