"""`${NAME}`, `${NAME:-default}` and `${file:/path}` in the YAML files, expanded where they are used."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from cluster.safety.errors import ConfigError

_VARIABLE = re.compile(r"\$\{(?:file:(?P<file>/[^}]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?)\}")


def is_reference(text: str) -> bool:
    """Whether `text` has a variable or a file in it, instead of being written out whole."""
    return _VARIABLE.search(text) is not None


def has_default(text: str) -> bool:
    """Whether a variable in `text` stands for something written out where it is not set."""
    return any(match["default"] for match in _VARIABLE.finditer(text))


def expand(text: str, *, where: str, key: str, environment: Mapping[str, str] | None = None) -> str:
    """`text` with its variables replaced, and files by what they hold (secrets that an orchestrator mounts).

    Raises:
        ConfigError: a variable without default is not set, a file cannot be read; names `where`, `key` and which.
    """
    values = os.environ if environment is None else environment

    def value_of(match: re.Match[str]) -> str:
        if match["file"]:
            return _content(Path(match["file"]), where, key)
        value = values.get(match["name"], match["default"])
        if value is None:
            raise ConfigError(where, key, match.group(0), "the variable is not set", f"export {match['name']}=...")
        return value

    return _VARIABLE.sub(value_of, text)


def unset_variables(text: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """Names in `text` that have neither value nor default."""
    values = os.environ if environment is None else environment
    return [
        m["name"] for m in _VARIABLE.finditer(text) if m["name"] and m["default"] is None and m["name"] not in values
    ]


def _content(file: Path, where: str, key: str) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no text"
        raise ConfigError(where, key, f"${{file:{file}}}", reason, "name a file that this process may read") from error
