"""A run with a key leaves statements that verify; a policy with keys takes nothing else."""

import json
import os

import pytest

import gatekit.promotion.promote
import gatekit.promotion.verify  # noqa: F401
from gatekit import cli
from gatekit.attest.envelope import parse
from gatekit.attest.statement import GATE_RUN, read_statement
from gatekit.attest.testresult import TEST_RESULT
from gatekit.report.signed import STATEMENT_FILE, TEST_RESULT_FILE

from .conftest import KEYS, POLICY, VARIABLE


def test_a_signed_run_promotes_and_verifies(keyed, capsys):
    uri = keyed.register()
    result = keyed.run("--model-uri", uri, "--promote-to", "staging")
    assert result.ret == 0, result.stdout.str()
    assert f"signed by key {keyed.key.public.keyid[:8]}" in result.stdout.str()
    assert keyed.holder == "1"
    keyid = keyed.key.public.keyid
    assert keyed.report.run["signed_by"] == {"key": keyid, "name": "ci"}
    page = (keyed.root / ".gatekit" / "report" / "gatekit-report.html").read_text()
    assert f"<td>ci, key {keyid[:8]}; `gatekit verify` says whether it did</td>" in page
    capsys.readouterr()
    assert cli.main(["verify", "models:/toy@staging"]) == 0
    said = capsys.readouterr().out
    assert "VERIFIED  toy version 1" in said
    assert max(map(len, said.splitlines())) <= 80
    assert cli.main(["verify", uri, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["verified"]
    assert {step["state"] for step in record["steps"]} == {"ok"}

    folder = keyed.root / ".gatekit" / "report"
    for name, kind in ((STATEMENT_FILE, GATE_RUN), (TEST_RESULT_FILE, TEST_RESULT)):
        envelope = parse((folder / name).read_bytes())
        assert envelope.signers([keyed.key.public])
        read = read_statement(envelope.payload, kind)
        assert read.digests == (("models:/toy/1", keyed.report.digest),)
    assert VARIABLE not in os.environ


def test_a_failed_run_is_signed_as_well(keyed):
    assert keyed.run("--model-uri", keyed.register("nan", every=7)).ret == 1
    (tag,) = keyed.tags()
    assert tag["outcome"] != "PASSED"
    assert len(tag["statement"]) == 64


def test_a_key_that_may_only_attest_signs_the_run_and_moves_nothing(keyed):
    keyed.policy(POLICY + KEYS.replace(', "promote"', ""))
    result = keyed.run("--model-uri", keyed.register(), "--promote-to", "staging")
    assert result.ret == 1
    said = result.stdout.str()
    assert "signed by key" in said
    assert "may not promote" in said
    assert keyed.holder is None


def test_without_a_key_promotion_is_refused_and_an_old_envelope_goes(keyed, promoter, monkeypatch):
    uri = keyed.register()
    assert keyed.run("--model-uri", uri).ret == 0
    monkeypatch.delenv(VARIABLE, raising=False)
    result = keyed.run("--model-uri", keyed.register(), "--promote-to", "staging")
    assert result.ret == 1
    said = result.stdout.str()
    assert "PROMOTION REFUSED" in said
    assert "not signed: no key in $GATEKIT_SIGNING_KEY" in said
    assert keyed.holder is None
    assert not (keyed.root / ".gatekit" / "report" / STATEMENT_FILE).exists()
    assert cli.main(["promote", "models:/toy/2", "--to", "staging"]) == 1
    assert cli.main(["verify", "models:/toy/2", "--to", "staging"]) == 1
    assert cli.main(["promote", uri, "--to", "staging"]) == 1
    promoter()
    assert cli.main(["promote", uri, "--to", "staging"]) == 0


def test_every_changed_byte_of_the_policy_is_refused_or_changes_nothing(keyed, promoter, capsys):
    uri = keyed.register()
    assert keyed.run("--model-uri", uri).ret == 0
    promoter()
    whole = (keyed.root / "gates.toml").read_bytes()
    from gatekit.policy_file import read_policy

    before = read_policy(keyed.root / "gates.toml")
    refused = 0
    for at in range(whole.index(b"[keys.ci]")):
        bent = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        (keyed.root / "gates.toml").write_bytes(bent)
        if cli.main(["promote", uri, "--to", "staging", "--dry-run"]):
            refused += 1
        else:
            assert read_policy(keyed.root / "gates.toml").digest == before.digest
    assert refused > 0.9 * whole.index(b"[keys.ci]") - 20
    capsys.readouterr()


def test_other_data_beside_the_policy_is_another_proof(keyed, promoter, capsys):
    from gatekit.testing.toys import toy_holdout

    uri = keyed.register()
    assert keyed.run("--model-uri", uri).ret == 0
    promoter()
    toy_holdout(keyed.root / "holdout.parquet", 400, seed=2, groups=("sex",))
    assert cli.main(["promote", uri, "--to", "staging"]) == 1
    assert "used other data" in capsys.readouterr().err


def test_the_tests_of_a_run_do_not_see_the_key(keyed):
    (keyed.root / "test_own.py").write_text(
        "import os, pytest\n"
        "from gatekit.gates import accuracy\n"
        "pytestmark = pytest.mark.gate('accuracy')\n"
        "def test_it(gate, candidate, holdout):\n"
        f"    assert '{VARIABLE}' not in os.environ\n"
        "    assert gate.measure(accuracy.overall, candidate, holdout) >= 0.8\n"
    )
    keyed.run("--model-uri", keyed.register(), "test_own.py")
    assert [test["outcome"] for test in keyed.report.tests] == ["passed"]
    (suite,) = keyed.report.run["suites"]
    assert suite["name"] == "test_own.py"
    assert VARIABLE in suite["text"]


@pytest.mark.parametrize("accepted", ["", "the runner is a machine of its own"])
def test_a_run_without_a_wall_around_secrets_is_signed_only_if_accepted(
    keyed, accepted, monkeypatch
):
    from gatekit.run import GateRun

    monkeypatch.setattr(GateRun, "walls", ["network: none"], raising=False)
    keyed.policy(POLICY + KEYS + f'[attestation]\naccept_unwalled = "{accepted}"\n')
    result = keyed.run("--model-uri", keyed.register())
    (tag,) = keyed.tags()
    assert ("statement" in tag) == bool(accepted)
    assert ("no wall kept the signing key" in result.stdout.str()) == (not accepted)
    assert keyed.report.run["accepted_unwalled"] == accepted
    assert keyed.report.run["walls"] == ["network: none"]


def test_a_wall_around_secrets_is_enough(keyed, monkeypatch):
    from gatekit.run import GateRun

    monkeypatch.setattr(GateRun, "walls", ["secrets: not readable"], raising=False)
    keyed.run("--model-uri", keyed.register())
    assert "statement" in keyed.tags()[0]


def test_a_key_that_is_none_stops_the_run(keyed, monkeypatch):
    monkeypatch.setenv(VARIABLE, "-----BEGIN nonsense")
    result = keyed.run("--model-uri", keyed.register())
    assert result.ret == 4
    assert "is no private key in PEM" in result.stderr.str()
