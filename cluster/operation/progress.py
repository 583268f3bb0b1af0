"""Says what is being done: one living line on a terminal, plain lines in a log."""

from rich.console import Console


class Progress:
    """Steps of something slow. `close` before anything else is printed for good."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("") if console.is_terminal else None
        self._last = ""

    def step(self, text: str) -> None:
        """What is being done now; the same text again says nothing twice."""
        if text == self._last:
            return
        self._last = text
        if self._status is None:
            self._console.print(f"... {text}", markup=False, highlight=False, soft_wrap=True)
            return
        self._status.start()
        self._status.update(text)

    def done(self, text: str) -> None:
        """Something is finished: a line that stays."""
        self.close()
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        self._last = ""
        if self._status is not None:
            self._status.stop()
