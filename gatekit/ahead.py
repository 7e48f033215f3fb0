"""Work that a thread begins before anybody asks for what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Thread, current_thread

LOOK_SECONDS = 0.2


class Ahead:
    """At most one piece of work. An error in it is for whoever does the work again to meet."""

    def __init__(self) -> None:
        self._thread: Thread | None = None

    def begin(self, work: Callable[[], object]) -> None:
        """Begin, unless something was begun before."""

        def run() -> None:
            with suppress(Exception):
                work()

        if self._thread is None:
            self._thread = Thread(target=run, name="gatekit-ahead", daemon=True)
            self._thread.start()

    def wait(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Until it is done; `meanwhile` is called now and then. The work itself does not wait."""
        if self._thread is None or self._thread is current_thread():
            return
        while self._thread.is_alive():
            self._thread.join(LOOK_SECONDS)
            meanwhile()
