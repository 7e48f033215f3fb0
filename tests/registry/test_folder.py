"""What only the folder registry has: absence and outage on a disk, and the shape of names."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from gatekit.digest import model_files
from gatekit.errors import CandidateError, NotFound, RegistryUnavailable
from gatekit.registry import GateRunRecord, open_registry
from gatekit.registry.folder import FolderRegistry
from gatekit.registry.folder_files import numbers, plain_name, segment

from .contract import model_folder


@pytest.fixture
def registry(tmp_path):
    registry = FolderRegistry(tmp_path / "registry")
    registry.register("churn", model_folder(tmp_path / "source", "w"), {"a": "b"})
    return registry


def test_it_is_opened_by_its_uri(registry):
    again = open_registry(registry.uri)
    assert isinstance(again, FolderRegistry)
    assert again.version("churn", "1").tags == {"a": "b"}


def test_a_folder_that_is_no_registry_is_an_outage(tmp_path):
    registry = FolderRegistry(tmp_path / "unmounted")
    for ask in (
        lambda: registry.versions("churn"),
        lambda: registry.version("churn", "1"),
        lambda: registry.by_alias("churn", "champion"),
        lambda: registry.holder("churn", "champion", "alias"),
        lambda: registry.by_stage("churn", "Staging"),
        lambda: registry.entries("churn.journal"),
        lambda: registry.append("churn.journal", {}),
        lambda: registry.attach(GateRunRecord("t", {}, {}, {}), {}),
        lambda: registry.read("0" * 32, "report.json"),
    ):
        with pytest.raises(RegistryUnavailable, match="does not answer"):
            ask()
    assert not (tmp_path / "unmounted").exists()


def test_a_broken_file_is_an_outage(registry, tmp_path):
    registry.move("churn", "Staging", "1", "stage")
    (tmp_path / "registry" / "models" / "churn" / "stages.json").write_text("{")
    with pytest.raises(RegistryUnavailable):
        registry.holder("churn", "Staging", "stage")


def test_a_training_run_is_not_found(registry, tmp_path):
    with pytest.raises(NotFound, match="keeps no training runs"):
        registry.fetch("runs:/abc/model", tmp_path / "into")


def test_a_symbolic_link_stays_one_and_is_refused_by_the_digest(registry, tmp_path):
    folder = model_folder(tmp_path / "linked", "w")
    (folder / "secret").symlink_to("/etc/hostname")
    registry.register("churn", folder)
    fetched = registry.fetch("models:/churn/2", tmp_path / "into")
    with pytest.raises(CandidateError, match="symbolic link"):
        model_files(fetched)


def test_a_failed_registration_leaves_no_version(registry, tmp_path):
    with pytest.raises(RegistryUnavailable):
        registry.register("churn", tmp_path / "not-there")
    assert [each.version for each in registry.versions("churn")] == ["1"]
    kept = {path.name for path in (tmp_path / "registry/models/churn").iterdir()}
    assert kept == {"versions", "lock"}


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "Churn", "churn", "a.b", "a%2Eb", "\u00e4"])
def test_a_name_is_one_path_segment_and_reversible(name):
    part = segment(name)
    assert re.fullmatch(r"%|([a-z0-9_-]|%[0-9A-F]{2})+", part)
    if name:
        assert plain_name(part) == name


def test_names_differ_where_case_is_ignored():
    assert segment("Production").lower() != segment("production").lower()


def test_racing_registrations_each_get_a_number_of_their_own(registry, tmp_path):
    folder = model_folder(tmp_path / "racing", "w")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: registry.register("churn", folder).version, range(40)))
    assert sorted(map(int, made)) == list(range(2, 42))
    assert len(registry.versions("churn")) == 41
    assert len(model_files(registry.fetch("models:/churn/41", tmp_path / "into"))) == 2


def test_racing_tags_are_all_kept(registry):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: registry.tag("churn", "1", f"k{n}", str(n)), range(40)))
    assert registry.version("churn", "1").tags == {"a": "b"} | {f"k{n}": str(n) for n in range(40)}


def test_racing_copies_and_clears_never_use_a_number_twice(registry):
    def act(number):
        if number % 5 == 4:
            return registry.clear("churn", "churn-prod", "copy")
        return registry.move("churn", "churn-prod", "1", "copy")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(40)))
    registry.clear("churn", "churn-prod", "copy")
    assert registry.holder("churn", "churn-prod", "copy") is None
    registry.move("churn", "churn-prod", "1", "copy")
    assert [each.version for each in registry.versions("churn-prod")] == ["33"]


def test_racing_stage_moves_leave_one_holder(registry, tmp_path):
    folder = model_folder(tmp_path / "racing", "w")
    for _ in range(3):
        registry.register("churn", folder)
    with ThreadPoolExecutor(4) as pool:
        moves = (str(1 + n % 4) for n in range(40))
        list(pool.map(lambda v: registry.move("churn", "Staging", v, "stage"), moves))
    stages = (tmp_path / "registry" / "models" / "churn" / "stages.json").read_text()
    assert stages.count("Staging") == 1


def test_a_number_that_was_taken_meanwhile_is_not_taken_again(registry, tmp_path, monkeypatch):
    before = model_files(registry.fetch("models:/churn/1", tmp_path / "before"))
    stale = [[]]  # what a racer saw before version 1 was there

    def once_stale(folder, ending=""):
        return stale.pop() if stale else numbers(folder, ending)

    monkeypatch.setattr("gatekit.registry.folder_files.numbers", once_stale)
    other = model_folder(tmp_path / "other", "other weights")
    assert registry.register("churn", other).version == "2"
    assert stale == []
    assert model_files(registry.fetch("models:/churn/1", tmp_path / "after")) == before
