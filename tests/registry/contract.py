"""What every registry must do; `test_contract.py` runs it against each of them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gatekit.errors import NotFound, RegistryError
from gatekit.policy import DataSpec
from gatekit.registry import GateRunRecord, Look, Pointer, Registry, open_registry
from gatekit.uses import Use, count_use

WRITER = """
import sys, time
from pathlib import Path
from gatekit.registry import open_registry

uri, journal, who, signals, many = sys.argv[1:]
registry = open_registry(uri)
registry.entries(journal)
Path(signals, f"ready-{who}").touch()
while not Path(signals, "go").exists():
    time.sleep(0.005)
for number in range(int(many)):
    print(registry.append(journal, {"who": who, "number": str(number)}), flush=True)
"""


@dataclass(frozen=True)
class Bench:
    """One registry under test, and what the tests need that is not in the protocol."""

    registry: Registry
    uri: str
    register: Callable[[str, Path], str]  # model name, folder -> version
    store: Path  # where the registry keeps model files


def model_folder(at: Path, content: str) -> Path:
    (at / "data").mkdir(parents=True)
    (at / "MLmodel").write_text("flavors: {}\n")
    (at / "data" / "weights.txt").write_text(content)
    return at


def snapshot(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


class RegistryContract:
    @pytest.fixture
    def three(self, bench: Bench, name: str, tmp_path: Path) -> str:
        for number in (1, 2, 3):
            bench.register(name, model_folder(tmp_path / f"source-{number}", f"weights {number}"))
        return name

    def test_versions_are_strings_newest_first(self, bench, name, tmp_path):
        folder = model_folder(tmp_path / "source", "w")
        given = [bench.register(name, folder) for _ in range(11)]
        listed = [each.version for each in bench.registry.versions(name)]
        assert given == [str(n) for n in range(1, 12)]
        assert listed == [str(n) for n in range(11, 0, -1)]  # numbers, not text: 11 before 9
        assert bench.registry.version(name, "10").version == "10"
        assert bench.registry.version(name, "10").name == name
        assert bench.registry.version(name, "10").source

    def test_a_missing_model_is_not_found_and_near_names_are_told(self, bench, three):
        asked = three + "x"
        for ask in (
            lambda: bench.registry.versions(asked),
            lambda: bench.registry.version(asked, "1"),
            lambda: bench.registry.by_alias(asked, "champion"),
            lambda: bench.registry.by_stage(asked, "Staging"),
            lambda: bench.registry.holder(asked, "champion", "alias"),
            lambda: bench.registry.holder(asked, "Staging", "stage"),
            lambda: bench.registry.move(asked, "champion", "1", "alias"),
            lambda: bench.registry.move(asked, "Staging", "1", "stage"),
            lambda: bench.registry.clear(asked, "champion", "alias"),
            lambda: bench.registry.clear(asked, "Staging", "stage"),
            lambda: bench.registry.tag(asked, "1", "k", "v"),
        ):
            with pytest.raises(NotFound):
                ask()
        with pytest.raises(NotFound, match=three):
            bench.registry.versions(asked)

    @pytest.mark.parametrize("version", ["4", "0", "latest", "-1", "1.0", ""])
    def test_a_missing_version_is_not_found(self, bench, three, version):
        with pytest.raises(NotFound, match=f"no version '?{version}"):
            bench.registry.version(three, version)

    def test_the_versions_there_are_told(self, bench, three, tmp_path):
        with pytest.raises(NotFound, match="Known versions: 3, 2, 1"):
            bench.registry.fetch(f"models:/{three}/7", tmp_path / "into")
        with pytest.raises(NotFound):
            bench.registry.move(three, "champion", "7", "alias")
        with pytest.raises(NotFound):
            bench.registry.move(three, "Staging", "7", "stage")
        with pytest.raises(NotFound):
            bench.registry.tag(three, "7", "k", "v")
        assert bench.registry.holder(three, "champion", "alias") is None

    def test_an_alias_moves_back_and_forth_and_is_cleared(self, bench, three):
        registry = bench.registry
        assert registry.holder(three, "champion", "alias") is None
        with pytest.raises(NotFound, match="champion"):
            registry.by_alias(three, "champion")
        for version in ("1", "3", "2"):
            registry.move(three, "champion", version, "alias")
            assert registry.by_alias(three, "champion").version == version
            assert registry.holder(three, "champion", "alias").version == version
        registry.clear(three, "champion", "alias")
        assert registry.holder(three, "champion", "alias") is None
        registry.clear(three, "champion", "alias")  # clearing what nobody holds is no error

    def test_aliases_are_case_sensitive(self, bench, three):
        bench.registry.move(three, "production", "1", "alias")
        bench.registry.move(three, "Production", "2", "alias")
        assert bench.registry.by_alias(three, "production").version == "1"
        assert bench.registry.by_alias(three, "Production").version == "2"
        with pytest.raises(NotFound):
            bench.registry.by_alias(three, "PRODUCTION")
        assert bench.registry.holder(three, "Production", "stage") is None  # no stage was touched

    def test_a_stage_archives_whoever_held_it(self, bench, three):
        registry = bench.registry
        assert registry.holder(three, "staging", "stage") is None
        registry.move(three, "staging", "2", "stage")
        registry.move(three, "staging", "3", "stage")
        assert registry.by_stage(three, "Staging").version == "3"
        assert registry.by_stage(three, "Archived").version == "2"

    def test_rolling_a_stage_back_to_a_lower_number_resolves_at_once(self, bench, three):
        registry = bench.registry
        registry.move(three, "Production", "3", "stage")
        registry.move(three, "Production", "1", "stage")
        assert registry.by_stage(three, "production").version == "1"
        assert registry.holder(three, "production", "stage").version == "1"
        assert registry.by_stage(three, "Archived").version == "3"

    @pytest.mark.parametrize("kind", ["alias", "stage", "copy"])
    def test_a_look_shows_holder_and_journal(self, bench, three, kind):
        target = f"{three}-copies" if kind == "copy" else "staging"
        pointer = Pointer(three, target, kind, f"{three}.journal")
        assert bench.registry.look(pointer) == Look(None, [])
        bench.registry.append(pointer.journal, {"event": "first"})
        bench.registry.move(three, target, "2", kind)
        look = bench.registry.look(pointer)
        assert look.holder == bench.registry.version(three, "2")
        assert look.entries == [(1, {"event": "first"})]
        entries = bench.registry.displace(pointer, "1", "2")
        assert entries == look.entries
        assert bench.registry.holder(three, target, kind).version == "1"
        with pytest.raises(NotFound, match="no model"):
            bench.registry.look(replace(pointer, name=f"{three}-none"))

    @pytest.mark.parametrize("held", ["", "1", "2", "99"])
    def test_a_stage_is_displaced_whoever_is_there(self, bench, three, held):
        pointer = Pointer(three, "staging", "stage", f"{three}.journal")
        bench.registry.move(three, "staging", "3", "stage")
        bench.registry.displace(pointer, "1", held)
        assert bench.registry.holder(three, "staging", "stage").version == "1"
        assert bench.registry.by_stage(three, "Archived").version == "3"

    def test_moving_a_stage_to_its_holder_keeps_it(self, bench, three):
        bench.registry.move(three, "Staging", "2", "stage")
        bench.registry.move(three, "Staging", "2", "stage")
        assert bench.registry.by_stage(three, "Staging").version == "2"

    def test_a_version_moves_from_stage_to_stage(self, bench, three):
        bench.registry.move(three, "Staging", "2", "stage")
        bench.registry.move(three, "Production", "2", "stage")
        assert bench.registry.holder(three, "Staging", "stage") is None
        assert bench.registry.holder(three, "Production", "stage").version == "2"

    def test_a_cleared_stage_has_no_holder(self, bench, three):
        bench.registry.move(three, "Staging", "2", "stage")
        bench.registry.clear(three, "staging", "stage")
        assert bench.registry.holder(three, "Staging", "stage") is None
        with pytest.raises(NotFound):
            bench.registry.by_stage(three, "Staging")
        assert bench.registry.by_stage(three, "Archived").version == "2"

    @pytest.mark.parametrize("stage", ["canary", "archived", "none", ""])
    def test_a_pointer_cannot_be_another_stage(self, bench, three, stage):
        with pytest.raises(RegistryError, match="Staging, Production"):
            bench.registry.move(three, stage, "1", "stage")
        with pytest.raises(RegistryError, match="Staging, Production"):
            bench.registry.clear(three, stage, "stage")

    def test_a_copy_in_a_model_of_its_own_resolves_to_its_source(self, bench, three, tmp_path):
        registry, prod = bench.registry, f"{three}-prod"
        assert registry.holder(three, prod, "copy") is None
        registry.clear(three, prod, "copy")  # nobody holds it: no error
        for version in ("1", "3", "2"):
            registry.move(three, prod, version, "copy")
            held = registry.holder(three, prod, "copy")
            assert (held.name, held.version) == (three, version)
        assert len(registry.versions(prod)) == 3
        copied = registry.fetch(f"models:/{prod}/3", tmp_path / "copied")
        assert (copied / "data" / "weights.txt").read_text() == "weights 2"
        with pytest.raises(NotFound):
            registry.move(three, prod, "7", "copy")
        with pytest.raises(NotFound):
            registry.holder(three + "x", prod, "copy")

    def test_copying_prints_nothing(self, bench, three, capfd):
        bench.registry.move(three, f"{three}-prod", "1", "copy")
        assert capfd.readouterr() == ("", "")

    def test_cleared_copies_are_gone_and_their_numbers_do_not_come_back(self, bench, three):
        registry, prod = bench.registry, f"{three}-prod"
        for version in ("1", "3"):
            registry.move(three, prod, version, "copy")
        registry.clear(three, prod, "copy")
        assert registry.holder(three, prod, "copy") is None  # the one before does not hold again
        registry.clear(three, prod, "copy")
        registry.move(three, prod, "2", "copy")
        assert registry.holder(three, prod, "copy").version == "2"
        assert [each.version for each in registry.versions(prod)] == ["3"]

    def test_clearing_copies_leaves_what_a_hand_put_there(self, bench, three, tmp_path):
        registry, prod = bench.registry, f"{three}-prod"
        by_hand = bench.register(prod, model_folder(tmp_path / "by-hand", "w"))
        registry.move(three, prod, "1", "copy")
        registry.clear(three, prod, "copy")
        assert [each.version for each in registry.versions(prod)] == [by_hand]
        assert registry.holder(three, prod, "copy").version == f"{prod}/{by_hand}"

    def test_a_version_that_is_no_copy_is_called_by_its_own_name(self, bench, three, tmp_path):
        prod = f"{three}-prod"
        bench.register(prod, model_folder(tmp_path / "by-hand", "w"))
        assert bench.registry.holder(three, prod, "copy").version == f"{prod}/1"

    def test_tags_are_kept_and_replaced(self, bench, three):
        bench.registry.tag(three, "2", "gatekit.verdict", "FAILED")
        bench.registry.tag(three, "2", "gatekit.verdict", "PASSED")
        bench.registry.tag(three, "2", "gatekit.long", "x" * 50_000)
        tags = bench.registry.version(three, "2").tags
        assert tags["gatekit.verdict"] == "PASSED"
        assert tags["gatekit.long"] == "x" * 50_000
        listed = {each.version: each.tags for each in bench.registry.versions(three)}
        assert listed["2"] == tags
        assert "gatekit.verdict" not in listed["1"]

    def test_fetch_is_a_copy_and_the_store_is_untouched(self, bench, three, tmp_path):
        before = snapshot(bench.store)
        assert any("weights 2" in str(content) for content in before.values())
        into = bench.registry.fetch(f"models:/{three}/2", tmp_path / "into")
        assert into.resolve().is_relative_to((tmp_path / "into").resolve())
        expected = {"MLmodel": b"flavors: {}\n", "data/weights.txt": b"weights 2"}
        assert snapshot(into) == expected
        (into / "data" / "weights.txt").write_text("changed")
        (into / "registered_model_meta").write_text("new")
        assert snapshot(bench.store) == before

    def test_fetch_never_mixes_two_models(self, bench, three, tmp_path):
        bench.registry.fetch(f"models:/{three}/1", tmp_path / "into")
        with pytest.raises(RegistryError, match="not an empty folder"):
            bench.registry.fetch(f"models:/{three}/2", tmp_path / "into")

    def test_fetch_takes_no_pointer(self, bench, three, tmp_path):
        bench.registry.move(three, "champion", "1", "alias")
        with pytest.raises(RegistryError, match="only a version"):
            bench.registry.fetch(f"models:/{three}@champion", tmp_path / "into")

    def test_an_unknown_run_is_not_found(self, bench, three, tmp_path):
        with pytest.raises(NotFound):
            bench.registry.fetch("runs:/" + "0" * 32 + "/model", tmp_path / "into")
        with pytest.raises(NotFound):
            bench.registry.read("0" * 32, "report.json")

    def test_a_gate_run_is_read_back(self, bench, three):
        record = GateRunRecord(
            title="gates of version 2",
            tags={"gatekit.verdict": "FAILED", "gatekit.model": three},
            metrics={"accuracy": 0.8225, "accuracy.lower": float("nan"), "odds": float("inf")},
            params={f"p{n}": str(n) for n in range(230)},
        )
        files = {
            "report.json": b'{"a": 1}',
            "suites/test_x.py": b"x = 1\n",
            "raw": bytes(range(256)),
        }
        run_id = bench.registry.attach(record, files)
        assert {file: bench.registry.read(run_id, file) for file in files} == files
        with pytest.raises(NotFound, match=r"report\.html"):
            bench.registry.read(run_id, "report.html")
        assert bench.registry.attach(record, {}) != run_id

    @pytest.mark.parametrize("file", ["../report.json", "/etc/passwd", "a//b", "", "a/../../b"])
    def test_a_report_file_stays_in_its_folder(self, bench, three, file):
        with pytest.raises(RegistryError, match="no relative file name"):
            bench.registry.attach(GateRunRecord("t", {}, {}, {}), {file: b""})
        run_id = bench.registry.attach(GateRunRecord("t", {}, {}, {}), {"r": b""})
        with pytest.raises(RegistryError, match="no relative file name"):
            bench.registry.read(run_id, file)

    def test_a_journal_keeps_entries_whole_and_in_order(self, bench, three):
        journal = f"{three}.journal"
        assert bench.registry.entries(journal) == []
        wanted = [
            {"kind": "intent", "n": str(n), "empty": "", "text": "\u00e4" * 9} for n in range(12)
        ]
        wanted[3]["decision"] = "x" * 99_000
        numbers = [bench.registry.append(journal, entry) for entry in wanted]
        assert numbers == list(range(1, 13))
        assert bench.registry.entries(journal) == list(zip(numbers, wanted, strict=True))
        assert open_registry(bench.uri).entries(journal) == bench.registry.entries(journal)

    def test_uses_of_a_test_set_are_counted_once_each(self, bench, three):
        spec = DataSpec(path="h", target="y", uses=3)
        other = open_registry(bench.uri)  # another process would see the same

        def count(registry, candidate, data="d"):
            return count_use(registry, three, Use(candidate, "", data, "p"), spec, 1)

        asked = [(bench.registry, "a"), (other, "b"), (other, "a"), (bench.registry, "b")]
        assert [count(*each).number for each in asked] == [1, 2, 1, 2]
        assert count(other, "a", "other data").number == 1
        assert [count(bench.registry, name).left for name in ("c", "d")] == [0, -1]

    def test_a_journal_loses_nothing_to_racing_writers(self, bench, three, tmp_path):
        journal, writers, many = f"{three}.journal", 3, 10
        command = [sys.executable, "-c", WRITER, bench.uri, journal]
        running = [
            subprocess.Popen([*command, str(w), str(tmp_path), str(many)], stdout=subprocess.PIPE)
            for w in range(writers)
        ]
        try:
            deadline = time.monotonic() + 60
            while len(list(tmp_path.glob("ready-*"))) < writers and time.monotonic() < deadline:
                time.sleep(0.01)
            (tmp_path / "go").touch()
            told = [int(n) for each in running for n in each.communicate(timeout=60)[0].split()]
        finally:
            for each in running:
                each.kill()
                each.wait()
        entries = bench.registry.entries(journal)
        assert sorted(told) == list(range(1, writers * many + 1))
        assert [number for number, _ in entries] == sorted(told)
        written = sorted((entry["who"], int(entry["number"])) for _, entry in entries)
        assert written == [(str(w), n) for w in range(writers) for n in range(many)]
