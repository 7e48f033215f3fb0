"""Much is imported without a look for garbage, and none is looked for when the process ends."""

import gc
import subprocess
import sys

import pytest

from gatekit.imports import importing_much

ENDING = """
import atexit, gc
from gatekit.imports import importing_much
if {much}:
    with importing_much():
        import json
    atexit._run_exitfuncs()
print("frozen:", gc.get_freeze_count() > 0)
"""


def failing(seen):
    with importing_much():
        with importing_much():
            seen.append(gc.isenabled())
        seen.append(gc.isenabled())  # the outer one is not over
        raise ImportError


def test_nothing_is_collected_meanwhile_and_again_after_an_error():
    assert gc.isenabled()
    seen = []
    with pytest.raises(ImportError):
        failing(seen)
    assert seen == [False, False]
    assert gc.isenabled()


def test_who_has_turned_the_collector_off_finds_it_off():
    gc.disable()
    try:
        with importing_much():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("much", [True, False])
def test_what_is_alive_at_the_end_is_not_looked_at(much):
    code = ENDING.format(much=much)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"frozen: {much}" in done.stdout
