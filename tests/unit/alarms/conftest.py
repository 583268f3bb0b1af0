"""The alarm rules as they are shipped, and the stories that try them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.settings.base import PROJECT_ROOT

PROMETHEUS = PROJECT_ROOT / "configs/prometheus"


def load_rules() -> dict[str, dict[str, Any]]:
    """Alerting rules by name; two of one name by "NAME-<answers>"."""
    found = {}
    for file in sorted((PROMETHEUS / "rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                if name := rule.get("alert"):
                    found["-".join([name, *filter(None, [rule["labels"].get("answers")])])] = rule
    return found


def load_stories() -> dict[str, dict[str, Any]]:
    """What each rule sees; "NAME-..." is one more story of NAME."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted((Path(__file__).parent / "stories").glob("*.yml")):
        found |= yaml.safe_load(file.read_text())
    return found


@pytest.fixture(scope="session")
def rules() -> dict[str, dict[str, Any]]:
    return load_rules()


@pytest.fixture(scope="session")
def stories() -> dict[str, dict[str, Any]]:
    return load_stories()
