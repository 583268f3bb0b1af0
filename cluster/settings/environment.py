"""`${NAME}` and `${NAME:-default}` in the YAML files, expanded where they are used."""

import os
import re
from collections.abc import Mapping

from cluster.safety.errors import ConfigError

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


def expand(text: str, *, where: str, key: str, environment: Mapping[str, str] | None = None) -> str:
    """`text` with its variables replaced.

    Raises:
        ConfigError: a variable without default is not set; names `where`, `key` and the variable.
    """
    values = os.environ if environment is None else environment

    def value_of(match: re.Match[str]) -> str:
        value = values.get(match["name"], match["default"])
        if value is None:
            raise ConfigError(where, key, match.group(0), "the variable is not set", f"export {match['name']}=...")
        return value

    return _VARIABLE.sub(value_of, text)


def unset_variables(text: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """Names in `text` that have neither value nor default."""
    values = os.environ if environment is None else environment
    return [m["name"] for m in _VARIABLE.finditer(text) if m["default"] is None and m["name"] not in values]
