import signal
import subprocess
import sys

import pytest

from cluster.operation.interruption import Interruption
from cluster.safety.errors import Interrupted

_TWICE = """
import os, signal, sys
from cluster.operation.interruption import Interruption

with Interruption() as interruption:
    interruption.check()
    os.kill(os.getpid(), int(sys.argv[1]))
    assert (interruption.stopping.is_set(), interruption.hurrying.is_set()) == (True, False)
    os.kill(os.getpid(), int(sys.argv[1]))
    assert interruption.hurrying.is_set()
print("hurried")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_asks_to_stop_and_the_second_hurries(number: signal.Signals) -> None:
    """In a process of its own: the one of the tests holds native threads of others, and no signal is meant for it."""
    done = subprocess.run([sys.executable, "-c", _TWICE, str(number.value)], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (0, "hurried\n"), done.stderr


def test_a_wait_ends_when_somebody_asks_to_stop() -> None:
    with Interruption() as interruption:
        interruption.stopping.set()

        with pytest.raises(Interrupted):
            interruption.pause(3600)


def test_the_former_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGINT)

    with Interruption():
        assert signal.getsignal(signal.SIGINT) != before

    assert signal.getsignal(signal.SIGINT) == before
