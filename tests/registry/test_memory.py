"""The registry in memory keeps the protocol's rules, and its hooks are where they say they are."""

import pytest

from gatekit.errors import NotFound, RegistryError
from gatekit.registry import GateRunRecord
from gatekit.registry.memory import MemoryRegistry


@pytest.fixture
def registry():
    made = MemoryRegistry()
    for number in range(3):
        made.register("m", {"MLmodel": b"%d" % number, "data/model.pkl": b"x"})
    return made


def test_versions_newest_first_and_a_deleted_number_is_not_given_again(registry):
    registry.delete("m", "3")
    assert registry.register("m", {"MLmodel": b""}).version == "4"
    assert [v.version for v in registry.versions("m")] == ["4", "2", "1"]


def test_nothing_there_is_not_found(registry):
    for ask in (
        lambda: registry.versions("other"),
        lambda: registry.version("m", "9"),
        lambda: registry.by_alias("m", "staging"),
        lambda: registry.by_stage("m", "Staging"),
        lambda: registry.holder("other", "staging", "alias"),
        lambda: registry.move("m", "staging", "9", "alias"),
        lambda: registry.read("run9", "f"),
    ):
        with pytest.raises(NotFound):
            ask()
    assert registry.holder("m", "staging", "alias") is None
    assert registry.entries("m.journal") == []


def test_a_stage_has_one_holder_after_a_move_and_the_highest_number_without_one(registry):
    registry.move("m", "staging", "3", "stage")
    registry.move("m", "staging", "1", "stage")
    assert registry.by_stage("m", "staging").version == "1"
    registry.put_in_stage("m", "2", "Staging")
    assert registry.holder("m", "staging", "stage").version == "2"
    registry.clear("m", "staging", "stage")
    assert registry.holder("m", "staging", "stage") is None
    assert registry.by_stage("m", "Archived").version == "3"
    with pytest.raises(RegistryError, match="'canary' is no stage"):
        registry.move("m", "canary", "1", "stage")


def test_an_alias_is_no_stage(registry):
    registry.move("m", "staging", "2", "alias")
    assert registry.holder("m", "staging", "stage") is None
    assert registry.by_alias("m", "staging").version == "2"
    registry.clear("m", "staging", "alias")
    assert registry.holder("m", "staging", "alias") is None


def test_what_is_fetched_is_a_copy(registry, tmp_path):
    folder = registry.fetch("models:/m/1", tmp_path / "a")
    (folder / "data/model.pkl").write_bytes(b"spoiled")
    assert (registry.fetch("models:/m/1", tmp_path / "b") / "data/model.pkl").read_bytes() == b"x"
    with pytest.raises(RegistryError, match="only a version"):
        registry.fetch("models:/m@staging", tmp_path / "c")


def test_gate_runs_are_kept_by_file(registry, tmp_path):
    run_id = registry.attach(GateRunRecord("t", {}, {}, {}), {"a/b": b"1", "c": b"2"})
    assert registry.read(run_id, "a/b") == b"1"
    assert (registry.fetch(f"runs:/{run_id}/a", tmp_path) / "b").read_bytes() == b"1"
    with pytest.raises(RegistryError, match="no relative file name"):
        registry.attach(GateRunRecord("t", {}, {}, {}), {"../out": b""})


def test_before_keeps_a_write_from_happening_and_after_does_not(registry):
    def crash(verb):
        assert verb == "append"
        raise KeyError(verb)

    registry.before = crash
    with pytest.raises(KeyError):
        registry.append("m.journal", {"kind": "x"})
    assert registry.entries("m.journal") == []
    registry.before, registry.after = (lambda verb: None), crash
    with pytest.raises(KeyError):
        registry.append("m.journal", {"kind": "x"})
    assert registry.entries("m.journal") == [(1, {"kind": "x"})]
