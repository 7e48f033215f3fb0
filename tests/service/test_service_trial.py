"""What a model does when it is loaded is done in another process first."""

import pytest

from gatekit_service import trial


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"rule": "crash"}, "ended with exit code 3 while predicting"),
        ({"rule": "segfault"}, "was killed by SIGSEGV while predicting"),
        ({"rule": "hang"}, "gave no answer for 3 s while predicting"),
        ({"ballast_mb": 900}, "raised MemoryError while loading"),
    ],
    ids=["exits", "crashes", "hangs", "eats memory"],
)
def test_a_new_holder_that_would_take_the_service_with_it_is_refused(world, follow, made, words):
    first, second = world.register(), world.register(**{"rule": "threshold", **made})
    world.gate(first)
    world.gate(second)
    world.point(first)
    watcher, state = follow(trial=True, model_memory_mb=600, timeout_seconds=3.0)
    watcher.look()
    assert state.served.version == first
    world.point(second)
    watcher.look()
    assert state.served.version == first
    assert f"version {second} is not served" in state.last_error
    assert words in state.last_error


def test_rows_that_it_refuses_are_for_the_golden_rows_to_judge(world, follow):
    """A row made up for the trial says nothing against a model that does not like it."""
    first, version = world.register(), world.register("refuses_gaps", column="x0")
    watcher, state = follow(trial=True)
    for each in (first, version):
        world.gate(each)
        world.point(each)
        watcher.look()
    assert state.last_error is None
    assert state.served.version == version


def test_the_first_of_all_is_not_tried(world, follow, monkeypatch):
    """There is nothing to lose, and a cold start is short."""
    monkeypatch.setattr(trial, "why_not", lambda *_: "it was tried")
    first, second = world.register(), world.register(t=5.0)
    watcher, state = follow(trial=True)
    for version, error in ((first, None), (second, f"{second} is not served: it was tried")):
        world.gate(version)
        world.point(version)
        watcher.look()
        assert state.served.version == first
        assert (state.last_error or "").endswith(error or "")


def test_what_is_free_is_known_here():
    assert trial.free_mb() > 10


def test_what_a_group_may_still_take_counts_before_what_the_machine_has(tmp_path, monkeypatch):
    (tmp_path / "max").write_text("2097152\n")
    (tmp_path / "used").write_text("1048576\n")
    monkeypatch.setattr(trial, "LIMIT", tmp_path / "max")
    monkeypatch.setattr(trial, "USED", tmp_path / "used")
    assert trial.free_mb() == 1.0
    (tmp_path / "max").write_text("max\n")
    assert trial.free_mb() != 1.0
