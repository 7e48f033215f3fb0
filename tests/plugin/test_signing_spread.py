"""Signing a run that pytest-xdist spreads: the controller signs, the workers meet the models."""

import json

import pytest

from gatekit import cli
from gatekit.attest.envelope import parse
from gatekit.report.signed import SECRETS_WALL, STATEMENT_FILE

from .conftest import KEYS, OWN, POLICY

FLOOR = (
    "    assert gate.measure(accuracy.overall, candidate, holdout) >= gate.policy.accuracy.floor\n"
)
GATE = (
    f"{OWN}from gatekit.gates import accuracy\ndef test_floor(gate, candidate, holdout):\n{FLOOR}"
)
DIES = "import os\ndef test_dies(gate):\n    os._exit(3)\n"


def spread(project, *args):
    return project.run_apart("--model-uri", "models:/toy/1", *args, "-n", "2")


def test_the_walls_that_the_workers_saw_are_signed_and_verify(keyed, promoter, capsys):
    keyed.register()
    alone = keyed.run("--model-uri", "models:/toy/1")
    assert alone.ret == 0
    walls = keyed.report.run["walls"]
    assert any(wall.startswith(SECRETS_WALL) for wall in walls)
    promoter()
    result = spread(keyed, "--promote-to", "staging")
    assert result.ret == 0, result.stdout.str()
    assert f"signed by key {keyed.key.public.keyid[:8]}" in result.stdout.str()
    assert keyed.report.run["walls"] == walls
    envelope = parse((keyed.root / ".gatekit" / "report" / STATEMENT_FILE).read_bytes())
    assert envelope.signers([keyed.key.public])
    assert json.loads(envelope.payload)["predicate"]["run"]["walls"] == walls
    assert keyed.holder == "1"
    capsys.readouterr()
    assert cli.main(["verify", "models:/toy@staging"]) == 0


@pytest.mark.parametrize("accepted", ["", "a machine of its own"])
def test_a_lost_worker_leaves_a_run_that_is_not_signed(keyed, accepted):
    """Where a missing wall is accepted the run is signed, and counts for nothing all the same."""
    keyed.policy(POLICY + KEYS + f'[attestation]\naccept_unwalled = "{accepted}"\n')
    keyed.register()
    (keyed.root / "test_own.py").write_text(GATE + DIES)
    result = spread(keyed, "test_own.py", "--promote-to", "staging")
    assert result.ret == 1
    (tag,) = keyed.tags()
    assert tag["outcome"] == "FAILED"
    assert ("statement" in tag) == bool(accepted)
    said = " ".join(result.stdout.str().split())
    assert "was lost, and nobody knows what stood around its models" in said or accepted
    assert keyed.holder is None
    assert any("was lost" in void for void in keyed.report.run["voids"])


def test_a_model_that_a_test_beside_the_gates_loads_is_counted(keyed):
    """A worker that runs no gate may have met the model as well, without the wall."""
    keyed.register()
    (keyed.root / "test_own.py").write_text(
        GATE.replace("def test_floor", "@pytest.mark.xdist_group('a')\ndef test_floor")
    )
    (keyed.root / "test_beside.py").write_text(
        "import pytest\n"
        "from gatekit.run import GateRun\n"
        "@pytest.mark.xdist_group('b')\n"
        "def test_beside(candidate, holdout):\n"
        "    assert len(candidate.predictions(holdout)) == 400\n"
        "    GateRun.walls = property(lambda run: ('network: none',))\n"
    )
    result = spread(keyed, "test_own.py", "test_beside.py", "--dist", "loadgroup")
    assert "no wall kept the signing key from the model" in " ".join(result.stdout.str().split())
    (tag,) = keyed.tags()
    assert "statement" not in tag
