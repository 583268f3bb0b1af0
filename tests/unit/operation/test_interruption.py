import os
import signal

import pytest

from cluster.operation.interruption import Interruption
from cluster.safety.errors import Interrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_asks_to_stop_and_the_second_hurries(number: signal.Signals) -> None:
    with Interruption() as interruption:
        interruption.check()

        os.kill(os.getpid(), number)
        assert (interruption.stopping.is_set(), interruption.hurrying.is_set()) == (True, False)

        os.kill(os.getpid(), number)
        assert interruption.hurrying.is_set()


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
