"""Settings for gatekit's own tests."""

import gc
import os

from hypothesis import settings

from .browser import browser
from .forks import forks
from .indexes import index
from .s3_server import s3, s3_server, store
from .servers import closed_port, mlflow_server

__all__ = ["browser", "closed_port", "forks", "index", "mlflow_server", "s3", "s3_server", "store"]

# The same examples every time: a test that flaps teaches people to press the button again.
settings.register_profile("gatekit", derandomize=True, database=None, deadline=None)
settings.load_profile("gatekit")

# Before numpy comes: threads that wait for each other by spinning take the cores of the other worker.
for each in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{each}_NUM_THREADS", "1")


# Files that take a minute or more: the last one to begin would run while the other worker has no work.
LONG = ("deploy/test_image.py", "e2e/", "test_init.py")


def pytest_collection_modifyitems(items):
    """The long files first, each with its tests in their order."""
    items.sort(key=lambda item: not item.nodeid.removeprefix("tests/").startswith(LONG))


def pytest_collection_finish():
    """What is imported by now stays: no collection of garbage need look at it again."""
    gc.freeze()
