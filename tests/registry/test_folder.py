"""What only the folder registry has: absence and outage on a disk, and the shape of names."""

from __future__ import annotations

import re

import pytest

from gatekit.digest import model_files
from gatekit.errors import CandidateError, NotFound, RegistryUnavailable
from gatekit.registry import GateRunRecord, open_registry
from gatekit.registry.folder import FolderRegistry
from gatekit.registry.folder_files import plain_name, segment

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
    assert [p.name for p in (tmp_path / "registry/models/churn").iterdir()] == ["versions"]


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "Churn", "churn", "a.b", "a%2Eb", "\u00e4"])
def test_a_name_is_one_path_segment_and_reversible(name):
    part = segment(name)
    assert re.fullmatch(r"%|([a-z0-9_-]|%[0-9A-F]{2})+", part)
    if name:
        assert plain_name(part) == name


def test_names_differ_where_case_is_ignored():
    assert segment("Production").lower() != segment("production").lower()
