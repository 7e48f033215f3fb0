"""Many modules at once, without a collector of garbage that looks at each of them again and again.

What is imported stays to the end: looking through it costs a tenth of the import of MLflow, and at
the end of the process most of a second.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing_much() -> Iterator[None]:
    """Collect no garbage meanwhile, and none at the end of the process either."""
    atexit.register(gc.freeze)  # what is frozen Python does not look at when it ends
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
