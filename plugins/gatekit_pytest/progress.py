"""One line on stderr while a gate takes long: how many rows, queries or seconds of how many.

It stands beneath pytest's own line, is written with pytest's capture suspended, and is taken away
before pytest writes on. Where stderr is no terminal, or a CI says that it is one, there is none.
"""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from gatekit_pytest.fixtures import gate_name

if TYPE_CHECKING:
    from collections.abc import Mapping

DELAY_S = 1.0  # what takes no longer shows nothing
EVERY_S = 0.2
MANY = 100_000  # of these it is said at once what is begun
COLUMNS = 80
CLEAR = "\r\x1b[K"
UP = "\x1b[A"
NO = ("", "0", "false")


class ProgressLine:
    """The line, and the hooks that take it away in time."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._gate = ""
        self._unit = ""
        self._begun = self._shown_at = 0.0
        self._column: int | None = None  # of pytest's line above; None: nothing is shown

    def tell(self, unit: str, done: float, of: float) -> None:
        """Show how far it is, unless it has only begun or was said a moment ago."""
        now = monotonic()
        if unit != self._unit or not done:
            self._unit, self._begun, self._shown_at = unit, now, 0.0
        if done >= of:
            self.clear()
            return
        at_once = not done and of >= MANY
        if at_once or (now - self._begun >= DELAY_S and now - self._shown_at >= EVERY_S):
            self._shown_at = now
            self._show(progress_words(self._gate, unit, done, of))

    def clear(self) -> None:
        """Take the line away and go back to where pytest's line stood."""
        if self._column is None:
            return
        back = f"{UP}\x1b[{self._column}C" if self._column else UP
        self._write(CLEAR + back if self._is_beneath else CLEAR)
        self._column = None

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._gate = gate_name(item) or item.name
        self._unit = ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Any:
        try:
            return (yield)
        finally:
            self.clear()

    @property
    def _reporter(self) -> Any:
        return self._config.pluginmanager.getplugin("terminalreporter")

    @property
    def _is_beneath(self) -> bool:
        return self._reporter is not None and bool(self._reporter.isatty)

    def _show(self, words: str) -> None:
        if self._column is not None:
            self._write(CLEAR + words)
            return
        writer = getattr(self._reporter, "_tw", None)
        self._column = writer.width_of_current_line % writer.fullwidth if writer else 0
        self._write(f"\n{words}" if self._is_beneath else CLEAR + words)

    def _write(self, text: str) -> None:
        capture = self._config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            sys.stdout.flush()
            sys.stderr.write(text)
            sys.stderr.flush()


def progress_words(gate: str, unit: str, done: float, of: float) -> str:
    """'robustness: 12,000 of 200,000 attack queries, 6%', in fewer than 80 columns."""
    share = f", {100 * done / of:.0f}%" if done else ""
    return f"{gate}: {done:,.0f} of {of:,.0f} {unit}{share}"[: COLUMNS - 1]


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a person watches: stderr is a terminal that can go back, and no CI's."""
    in_ci = environment.get("CI", "").lower() not in NO
    return sys.stderr.isatty() and not in_ci and environment.get("TERM") != "dumb"
