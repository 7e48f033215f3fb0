"""How far a long measurement is: told by whoever measures, shown by whoever listens."""

from __future__ import annotations

from collections.abc import Callable

# of what ("attack queries"), how many are done, of how many; done is 0 when it begins
Progress = Callable[[str, float, float], None]


def unheard(unit: str, done: float, of: float) -> None:
    """Nobody listens."""
