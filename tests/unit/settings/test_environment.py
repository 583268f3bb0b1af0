"""`${NAME}` in YAML files."""

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
