"""`gatekit keygen`: a private file, a public one, nothing overwritten."""

import stat

import pytest

from gatekit import cli
from gatekit.attest.keys import private_key, public_key


@pytest.mark.parametrize("algorithm", ["ed25519", "p256"])
def test_a_pair_is_written_for_its_owner_alone(algorithm, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["keygen", "--algorithm", algorithm, "--out", "ci.pem"]) == 0
    private, public = tmp_path / "ci.pem", tmp_path / "ci.pem.pub"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    key = private_key(private.read_text(), "made")
    assert public_key(public.read_text(), "made").keyid == key.public.keyid
    said = capsys.readouterr().out
    assert '[keys.NAME]\npublic = "ci.pem.pub"\nroles = ["attest"]' in said
    assert private.read_text().splitlines()[1] not in said


@pytest.mark.parametrize("there", ["ci.pem", "ci.pem.pub"])
def test_nothing_is_overwritten(there, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / there).write_text("mine")
    assert cli.main(["keygen", "--out", "ci.pem"]) == 4
    assert "is there already" in capsys.readouterr().err
    assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [(there, "mine")]


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    assert cli.main(["keygen", "--out", str(tmp_path / "no" / "ci.pem")]) == 4
    assert "cannot be written" in capsys.readouterr().err
