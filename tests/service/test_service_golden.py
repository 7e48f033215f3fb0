"""Golden rows at a swap, the one kept for return, and compiled models that are prepared apart."""

import json
import os
import subprocess
import sys

import pytest

from gatekit.attest.keys import generate
from gatekit_service.apart import Apart
from gatekit_service.hints import hints
from gatekit_service.looking import NO_KEY, Question
from gatekit_service.state import State
from gatekit_service.watching import LATELY_SECONDS, Watcher

from .conftest import linear_form

ROWS = [[1.0, 0.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.0]]
RIGHT = {"seed": 1, "rows": ROWS, "answers": [1, 0]}
KEY = generate()


def test_answers_as_the_gates_recorded_them_let_a_model_serve(world, follow):
    version = world.register()
    world.gate(version, golden=RIGHT)
    world.point(version)
    watcher, state = follow(verify="enforce")
    watcher.look()
    assert (state.served.version, state.last_error) == (version, None)


@pytest.mark.parametrize(
    ("golden", "words"),
    [
        ({**RIGHT, "answers": [1, 1]}, "golden row 1 is answered otherwise than in the gates"),
        ({**RIGHT, "rows": [[1.0, 0.0, 0.0, 0.0], [1.0]]}, "golden row 1 is refused here"),
        ({**RIGHT, "answers": [1]}, "golden rows of its report cannot be read"),
        ({"rows": 5}, "golden rows of its report cannot be read"),
    ],
)
def test_a_mismatch_on_a_golden_row_refuses_the_swap_and_names_the_row(
    world, follow, golden, words
):
    first, second = world.register(t=0.0), world.register(t=0.0)
    world.gate(first, golden=RIGHT)
    world.gate(second, golden=golden)
    watcher, state = follow(verify="enforce")
    for version in (first, second):
        world.point(version)
        watcher.look()
    assert state.served.version == first
    assert f"version {second} is not served" in state.last_error
    assert words in state.last_error


def test_the_way_back_loads_nothing(world, follow, monkeypatch):
    first, second = world.register(t=0.0), world.register(t=5.0)
    watcher, state = follow()
    for version in (first, second):
        world.point(version)
        watcher.look()

    def never(*_):
        raise AssertionError("loaded again")

    monkeypatch.setattr("gatekit_service.watching.load", never)
    monkeypatch.setattr("gatekit_service.looking.prepare", never)
    for version in (first, second, first):
        world.point(version)
        watcher.look()
        assert (state.served.version, state.last_error) == (version, None)


def compiled_world(world, *weights):
    version = world.register()
    form = linear_form(*weights)
    world.gate(version, form=form, golden=RIGHT, signer=KEY, created="2026-11-01T00:00:00+00:00")
    world.point(version)
    return version


def test_a_compiled_model_is_served_from_the_file_that_was_gated(world, follow):
    version = compiled_world(world, 1, 0, 0, 0)
    watcher, state = follow(verify="enforce")
    watcher.look()
    assert (state.served.version, state.served.engine.name) == (version, "compiled")
    world.down = RuntimeError("the registry is gone")
    watcher, state = follow(verify="enforce")
    watcher.look()
    assert state.served.version == version  # again, from the cache alone


def test_a_compiled_model_that_is_not_the_one_gated_is_refused(world, follow):
    version = world.register()
    run = world.gate(version, form=linear_form(1, 0, 0, 0))
    path = world.root / "registry" / "runs" / run / "gatekit" / "gatekit-compiled.bin"
    path.write_bytes(linear_form(-1, 0, 0, 0))
    world.point(version)
    watcher, state = follow(verify="enforce")
    watcher.look()
    assert state.served is None
    assert "not the one its report names" in state.last_error


def test_a_compiled_model_corrupted_in_the_cache_is_fetched_again(world, follow):
    compiled_world(world, 1, 0, 0, 0)
    follow(verify="enforce")[0].look()
    (kept,) = (world.root / "cache" / "churn-model").glob("*.compiled")
    kept.write_bytes(b"rot")
    watcher, state = follow(verify="enforce")
    watcher.look()
    assert state.served is not None
    assert kept.read_bytes() != b"rot"


def test_a_restart_serves_at_once_what_was_seen_to_hold_the_pointer_lately(world, follow):
    version = compiled_world(world, 1, 0, 0, 0)
    follow(verify="enforce")[0].look()
    watcher, state = follow(verify="enforce")
    watcher._resume(LATELY_SECONDS)
    assert state.served.version == version
    (pin,) = (world.root / "cache" / "churn-model").glob("*.json")
    os.utime(pin, (1, 1))
    watcher, state = follow(verify="enforce")
    watcher._resume(LATELY_SECONDS)
    assert state.served is None  # too long ago: the registry is asked first


SMALL = """
import json, sys
from gatekit_service.settings import Settings
from gatekit_service.state import State
from gatekit_service.watching import Watcher
import gatekit_service.app
settings = Settings.from_dict(json.loads(sys.argv[1]))
state = State(settings.spelled, settings.model)
watcher = Watcher(settings, state)
watcher.look()
predictor = state.served.predictor
rows = predictor.read(b'{"features": [[2, 0, 0, 0]]}')
heavy = [m for m in ("mlflow", "pandas", "sklearn", "joblib", "skops") if m in sys.modules]
print(json.dumps([state.served.version, predictor.predict(rows), heavy, state.last_error]))
"""


def test_the_process_that_serves_a_compiled_model_imports_no_mlflow_pandas_or_sklearn(world):
    version = compiled_world(world, 1, 0, 0, 0)
    settings = world.settings(prepare="apart", gates=world.policy(ci=KEY), verify="enforce")
    done = subprocess.run(
        [sys.executable, "-c", SMALL, json.dumps(settings.as_dict())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    assert json.loads(done.stdout) == [version, [1], [], None]


def test_apart_nobody_is_asked_while_nothing_moves(world, monkeypatch):
    version = world.register()
    world.point(version)
    apart = Apart(world.settings(prepare="apart"))
    seen = apart.look(Question())
    assert seen.pin.version == version
    monkeypatch.setattr(apart, "_ask", lambda _: pytest.fail("asked again"))
    assert apart.look(Question(known=seen.key)).pin is None
    other = world.register(t=5.0)
    world.point(other)
    key = hints(world.settings())().key
    assert apart.look(Question(known=seen.key, kept=key)).key == key  # the way back: at once


def test_apart_a_refusal_comes_back_in_its_own_words(world):
    version = world.register()
    world.point(version)
    settings = world.settings(prepare="apart", verify="enforce")
    state = State(settings.spelled, settings.model)
    watcher = Watcher(settings, state)
    watcher.look()
    assert f"version {version} was never gated" in state.last_error
    assert watcher._refused[0] != NO_KEY
    world.gate(version, golden=RIGHT)
    watcher.look()
    assert (state.served.version, state.last_error) == (version, None)
