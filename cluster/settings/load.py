"""Reads the YAML files; every fault becomes one `ConfigError` that names file, key, value and reason."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from cluster.safety.errors import ConfigError
from cluster.safety.redaction import MASK
from cluster.settings.base import Settings, project_path
from cluster.settings.environment import expand
from cluster.settings.models import ModelsSettings
from cluster.settings.site import SiteSettings

Model = TypeVar("Model", bound=Settings)

SITE_FILE = "configs/site.yaml"
MODELS_FILE = "configs/models.yaml"
_LONGEST_VALUE = 80
_SECRET_KEYS = frozenset(
    {"url", "token", "phone", "user", "password", "secret", "link_secret", "headers", "secret_key"}
)
"""Of `notifications` and `sign_in`: a value that is refused there is shown nowhere."""


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in the file at `path`.

    Raises:
        ConfigError: missing, not YAML, or not a mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise ConfigError(str(path), "", "", error.strerror or "cannot be read", "name an existing file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "", "", f"is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(str(path), "", "", "holds no mapping of keys to values")
    return content


def parse(model: type[Model], content: Any, *, where: str, prefix: str = "") -> Model:
    """`content` as a `model`.

    Raises:
        ConfigError: the first fault; `prefix` stands before its key.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise _first_fault(error, where, prefix) from error


def load_site(path: str | Path = SITE_FILE) -> SiteSettings:
    """`configs/site.yaml`, variables of the database and the snapshot store expanded."""
    file = project_path(path)
    site = parse(SiteSettings, read_yaml(file), where=str(path))
    database = site.database.model_copy(update={"url": expand(site.database.url, where=str(path), key="database.url")})
    snapshots = site.snapshots.model_copy(
        update={
            key: expand(getattr(site.snapshots, key), where=str(path), key=f"snapshots.{key}")
            for key in ("url", "endpoint")
        }
    )
    return site.model_copy(update={"database": database, "snapshots": snapshots})


def load_models(path: str | Path = MODELS_FILE) -> ModelsSettings:
    """`configs/models.yaml`."""
    return parse(ModelsSettings, read_yaml(project_path(path)), where=str(path))


def _first_fault(error: ValidationError, where: str, prefix: str) -> ConfigError:
    fault = error.errors(include_url=False)[0]
    reason = fault["msg"].removeprefix("Value error, ")
    location = list(fault["loc"])
    if fault["type"] == "unexpected_keyword_argument" or fault["type"] == "extra_forbidden":
        reason = "unknown key"
    shown = MASK if _is_secret(location) else _shown(fault["input"])
    return ConfigError(where, _key(prefix, location), shown, reason)


def _is_secret(location: list[Any]) -> bool:
    return location[:1] in (["notifications"], ["sign_in"]) and not _SECRET_KEYS.isdisjoint(location)


def _key(prefix: str, location: list[Any]) -> str:
    key = prefix
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else str(part)
    return key


def _shown(value: Any) -> str:
    if isinstance(value, dict | list | tuple) or value is None:
        return ""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


class _UniqueKeys(yaml.SafeLoader):
    """YAML says that keys are unique; PyYAML silently takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for index, key in enumerate(keys):
            if key != "<<" and key in keys[:index]:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)
