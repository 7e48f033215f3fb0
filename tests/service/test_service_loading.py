"""What the service loads, what it refuses, and what it keeps when things go wrong."""

import os
import shutil

import numpy as np
import pytest

from gatekit.errors import RegistryUnavailable, UsageProblem
from gatekit.scoring.casting import decode
from gatekit_service.settings import Settings

from .conftest import wait_for

DOWN = RegistryUnavailable("the registry does not answer")


def answer(state, value=1.0):
    served = state.served
    signature = served.decoder.signature
    return served.engine.predict(decode({"features": [[value, 0, 0, 0]]}, signature)).tolist()


def test_a_gated_holder_is_served_with_its_proof(world, follow):
    version = world.register()
    run = world.gate(version)
    world.point(version)
    watcher, state = follow(verify="enforce")
    watcher.look()
    status, health = state.health()
    assert status == 200
    assert health["status"] == "ok"
    assert health["version"] == version
    assert health["digest"] == world.digest(version)
    assert health["proof"] == {
        "report": run,
        "outcome": "PASSED",
        "created": "2026-01-01T00:00:00+00:00",
    }
    assert health["last_error"] is None
    assert answer(state) == [1]


def test_enforce_refuses_a_version_that_was_never_gated(world, follow):
    world.point(world.register())
    watcher, state = follow(verify="enforce")
    watcher.look()
    status, health = state.health()
    assert status == 503
    assert "never gated" in health["last_error"]


def test_enforce_refuses_bytes_changed_since_the_report(world, follow):
    version = world.register()
    world.gate(version)
    world.point(version)
    (world.files(version) / "toy.json").write_text(
        '{"rule": "threshold", "column": "x1", "params": {}}'
    )
    watcher, state = follow(verify="enforce")
    watcher.look()
    assert state.served is None
    assert "other bytes were gated" in state.last_error


def test_warn_serves_changed_bytes_and_says_so(world, follow):
    version = world.register()
    world.gate(version, digest="a" * 64)
    world.point(version)
    watcher, state = follow(verify="warn")
    watcher.look()
    status, health = state.health()
    assert status == 200
    assert "other bytes were gated" in health["proof"]["none"]


def test_a_report_that_is_not_the_one_its_tag_names_proves_nothing(world, follow):
    version = world.register()
    run = world.gate(version)
    world.point(version)
    path = world.root / "registry" / "runs" / run / "gatekit" / "gatekit-report.json"
    path.write_bytes(path.read_bytes() + b" ")
    watcher, state = follow(verify="enforce")
    watcher.look()
    assert state.served is None
    assert "not the one its tag describes" in state.last_error


def test_a_moved_pointer_swaps_the_model(world, follow):
    first, second = world.register(t=0.0), world.register(t=5.0)
    world.point(first)
    watcher, state = follow()
    watcher.look()
    assert answer(state) == [1]
    world.point(second)
    watcher.look()
    assert state.served.version == second
    assert answer(state) == [0]
    assert [(s["from"], s["to"]) for s in state.health()[1]["swaps"]] == [
        ("", first),
        (first, second),
    ]


def test_a_new_holder_that_is_refused_leaves_the_old_one_serving(world, follow):
    first, second = world.register(t=0.0), world.register(t=5.0)
    world.gate(first)
    world.point(first)
    watcher, state = follow(verify="enforce")
    watcher.look()
    world.point(second)
    watcher.look()
    status, health = state.health()
    assert (status, health["status"], health["version"]) == (200, "degraded", first)
    assert "never gated" in health["last_error"]
    world.gate(second)  # a new report is a reason to look again at once
    watcher.look()
    assert state.served.version == second
    assert state.last_error is None


def test_a_version_that_was_refused_is_not_fetched_at_every_look(world, follow):
    world.point(world.register())
    watcher, state = follow(verify="enforce")
    watcher.look()
    shutil.rmtree(world.root / "cache")
    watcher.look()
    assert "never gated" in state.last_error
    assert not (world.root / "cache").exists()


def test_a_broken_registry_leaves_the_last_good_model(world, follow):
    version = world.register()
    world.point(version)
    watcher, state = follow()
    watcher.look()
    world.down = DOWN
    watcher.look()
    assert state.last_error == "the registry does not answer"
    assert answer(state) == [1]
    world.down = None
    watcher.look()
    assert state.last_error is None


def test_a_cleared_pointer_leaves_the_last_good_model(world, follow):
    version = world.register()
    world.point(version)
    watcher, state = follow()
    watcher.look()
    world.registry.clear("churn-model", "staging", "alias")
    watcher.look()
    assert "nobody holds 'staging'" in state.last_error
    assert state.served.version == version


def test_a_restart_without_a_registry_serves_what_was_served(world, follow):
    version = world.register()
    world.gate(version)
    world.point(version)
    follow(verify="enforce")[0].look()
    world.down = DOWN
    watcher, state = follow(verify="enforce")
    watcher.look()
    status, health = state.health()
    assert (status, health["status"], health["version"]) == (200, "degraded", version)
    assert health["proof"]["outcome"] == "PASSED"
    assert answer(state) == [1]


def test_files_corrupted_in_the_cache_are_never_loaded(world, follow):
    version = world.register()
    world.gate(version)
    world.point(version)
    watcher, _ = follow(verify="enforce")
    watcher.look()
    cached = world.root / "cache" / "churn-model" / world.digest(version)
    (cached / "toy.json").write_text('{"rule": "crash", "column": "x0", "params": {}}')
    world.down = DOWN
    watcher, state = follow(verify="enforce")
    watcher.look()
    assert state.served is None  # nothing intact, and nothing to fetch from
    world.down = None
    watcher.look()
    assert answer(state) == [1]
    assert "threshold" in (cached / "toy.json").read_text()


def test_a_digest_in_a_tag_is_no_path(world, follow):
    version = world.register()
    outside = world.root / "cache" / "keep"
    outside.mkdir(parents=True)
    for number, digest in enumerate(("..", "../keep", "/")):
        world.gate(version, digest=digest, created=f"2026-01-0{number + 1}")
    world.point(version)
    watcher, state = follow()
    watcher.look()
    assert state.served.version == version
    assert outside.is_dir()


def test_the_last_few_versions_stay_in_the_cache(world, follow):
    watcher, state = follow()
    for step in range(6):
        version = world.register(t=float(step))
        world.point(version)
        watcher.look()
        folder = world.root / "cache" / "churn-model" / state.served.digest
        os.utime(folder, (step, step))
    kept = {path.name for path in (world.root / "cache" / "churn-model").iterdir() if path.is_dir()}
    assert len(kept) == 4
    assert state.served.digest in kept


def test_a_model_that_cannot_be_loaded_is_refused_by_type_alone(world, follow):
    version = world.register()
    (world.files(version) / "toy.json").write_text('{"secret-token": 1}')
    world.point(version)
    watcher, state = follow()
    watcher.look()
    assert "could not be loaded: TypeError" in state.last_error
    assert "secret-token" not in state.last_error


def test_settings_come_from_the_environment():
    found = Settings.from_environment(
        {
            "GATEKIT_MODEL": "m",
            "GATEKIT_STAGE": "staging",
            "GATEKIT_POINTER": "stage",
            "GATEKIT_PORT": "0",
            "GATEKIT_POLL_SECONDS": "2.5",
        }
    )
    assert (found.model, found.spelled, found.port, found.poll_seconds) == ("m", "Staging", 0, 2.5)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "Set GATEKIT_MODEL"),
        ({"GATEKIT_VERIFY": "maybe"}, "auto, warn, enforce, off"),
        ({"GATEKIT_PORT": "http"}, "GATEKIT_PORT is 'http'"),
        ({"GATEKIT_POLL_SECONDS": "nan"}, "GATEKIT_POLL_SECONDS"),
    ],
)
def test_settings_that_make_no_sense_are_named(environment, words):
    named = {"GATEKIT_MODEL": "m", **environment} if environment else {}
    with pytest.raises(UsageProblem) as caught:
        Settings.from_environment(named)
    assert words in str(caught.value)


def test_what_a_model_says_becomes_plain_json(world, follow):
    world.point(world.register("words"))
    watcher, state = follow()
    watcher.look()
    raw = b'{"features": [[1, 0, 0, 0], [-1, 0, 0, 0]]}'
    predictor = state.served.predictor
    assert predictor.predict(predictor.read(raw)) == ["yes", "no"]
    assert np.asarray(answer(state)).tolist() == ["yes"]


def test_who_asked_is_told_of_each_swap(world, follow):
    first, second = world.register(t=0.0), world.register(t=5.0)
    watcher, state = follow()
    seen = []
    state.on_swap.append(lambda old, new: seen.append((old and old.version, new.version)))
    for version in (first, second):
        world.point(version)
        watcher.look()
    assert seen == [(None, first), (first, second)]


def test_a_watcher_that_is_woken_looks_before_its_turn(world, follow):
    watcher, state = follow(poll_seconds=3600)
    watcher.start()
    try:
        wait_for(lambda: state.last_error)  # nobody holds the pointer yet
        world.point(world.register())
        watcher.wake()
        wait_for(lambda: state.served)
    finally:
        watcher.stop()
