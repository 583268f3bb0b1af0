import pytest

from cluster.operation.root_line import root_line

_TRACEBACK = """\x1b[36mray::ServeReplica:detector()\x1b[39m (pid=7)
  File "app.py", line 3, in build
    raise ConfigError(...)
cluster.safety.errors.ConfigError: configs/site.yaml: name: unknown key
The above exception was the direct cause of the following exception:
"""


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("", ""),
        ("all is said\nand more", "all is said"),
        (_TRACEBACK, "cluster.safety.errors.ConfigError: configs/site.yaml: name: unknown key"),
        ("ValueError: a\nRuntimeError: b", "RuntimeError: b"),
        ("OSError: rtsp://u:S3cret@cam/1", "OSError: rtsp://***@cam/1"),
    ],
)
def test_the_line_that_matters_is_taken_without_colours_and_passwords(message: str, line: str) -> None:
    assert root_line(message) == line
