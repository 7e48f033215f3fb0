"""`gatekit rollback` as it is: a process of its own loads the model before anything moves."""

import pytest

from gatekit import cli
from gatekit.promotion.desk import Desk
from gatekit.promotion.journal import Entry
from gatekit.promotion.promote import expected
from gatekit.registry.folder import FolderRegistry
from gatekit.testing import write_toy
from gatekit.times import utc_now

NAME = "churn-model"
POLICY = f"""
model = "{NAME}"
[data.holdout]
path = "holdout.parquet"
target = "churn"
[gates.accuracy]
floor = 0.8
[promotion.staging]
requires = ["accuracy"]
"""
GOOD, BROKEN, NOW = "1", "2", "3"


class Place:
    """A project whose pointer was held by 1, which loads, then by 2, which does not, then by 3."""

    def __init__(self, root):
        self.registry = FolderRegistry(root / "registry")
        (root / "gates.toml").write_text(POLICY)
        for number in (GOOD, BROKEN, NOW):
            folder = write_toy(root / f"toy-{number}", "threshold", t=float(number))
            if number == BROKEN:
                (folder / "toy.json").write_text('{"rule": "no such rule"}')
            self.registry.register(NAME, folder)
            self.hold(number)

    @property
    def desk(self):
        return Desk(self.registry, NAME, "alias", "ana", utc_now)

    def hold(self, version):
        desk, journal = self.desk, self.desk.journal()
        entry = Entry(
            kind="promote",
            target="staging",
            version=version,
            digest=desk.digest(version),
            expects=expected(journal, "staging"),
        )
        entry = desk.append(entry, journal)
        desk.move("staging", version)
        desk.close(entry, "done", desk.journal())

    @property
    def holder(self):
        return self.desk.holder("staging")


@pytest.fixture
def place(tmp_path, monkeypatch):
    made = Place(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", made.registry.uri)
    return made


def rollback(capsys, *argv):
    code = cli.main(["rollback", NAME, "--stage", "staging", *argv])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out + said.err


def test_one_that_cannot_be_loaded_gets_no_pointer_and_the_way_on_is_told(place, capsys):
    entries = len(place.desk.journal().entries)
    code, said = rollback(capsys)
    assert code == 1
    assert "'staging' does not go back to version 2" in said
    assert "cannot be loaded" in said
    assert "--to VERSION" in said
    assert (place.holder, len(place.desk.journal().entries)) == (NOW, entries)


def test_one_that_loads_gets_the_pointer(place, capsys):
    code, said = rollback(capsys, "--to", GOOD)
    assert code == 0, said
    assert f"{NAME} version 1 holds 'staging' again" in said
    assert place.holder == GOOD


def test_at_once_loads_nothing(place, capsys):
    code, said = rollback(capsys, "--now", "it is on fire")
    assert code == 0, said
    assert place.holder == BROKEN
