"""`${NAME}` in YAML files."""

from pathlib import Path

import pytest

from cluster.safety.errors import ConfigError
from cluster.settings.environment import expand, unset_variables

VALUES = {"HOST": "cam-1", "PW": "p@ss"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("rtsp://u:${PW}@${HOST}/1", "rtsp://u:p@ss@cam-1/1"),
        ("${MISSING:-}", ""),
        ("${MISSING:-sqlite://}", "sqlite://"),
        ("${HOST:-other}", "cam-1"),
        ("nothing $HOST {HOST}", "nothing $HOST {HOST}"),
    ],
)
def test_variables_are_replaced(text: str, expanded: str) -> None:
    assert expand(text, where="f.yaml", key="k", environment=VALUES) == expanded


def test_an_unset_variable_is_named_with_file_and_key() -> None:
    with pytest.raises(ConfigError) as caught:
        expand("rtsp://u:${CAM_PW}@h/1", where="serve_config.yaml", key="cameras[0].source", environment=VALUES)

    line = str(caught.value)
    assert line == "serve_config.yaml: cameras[0].source = ${CAM_PW}: the variable is not set; export CAM_PW=..."


def test_unset_variables_lists_those_without_value_or_default() -> None:
    assert unset_variables("${A} ${HOST} ${B:-x} ${C}", VALUES) == ["A", "C"]


def test_a_file_stands_for_what_it_holds(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("xoxb-1\n")

    assert expand(f"Bearer ${{file:{secret}}}", where="site.yaml", key="k") == "Bearer xoxb-1"


def test_a_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ConfigError, match=r"site.yaml: k = \$\{file:/nowhere/token\}: No such file"):
        expand("${file:/nowhere/token}", where="site.yaml", key="k")
