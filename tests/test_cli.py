"""The command line: what it understands, what it prints, how it exits."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gatekit import cli
from gatekit.commands import answer, loading
from gatekit.digest import model_digest, model_files
from gatekit.policy_file import read_policy
from gatekit.registry import GateRunRecord
from gatekit.registry.memory import MemoryRegistry
from gatekit.report.document import JSON_FILE, SCHEMA, TAG_PREFIX

POLICY = """
model = "churn-model"
[data.holdout]
path = "holdout.parquet"
target = "churn"
[gates.accuracy]
floor = 0.8
[promotion.staging]
requires = ["accuracy"]
override = ["accuracy"]
"""


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A project folder with a policy, and two proved versions in a registry in memory."""
    (tmp_path / "gates.toml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "memory:")
    registry = MemoryRegistry()
    monkeypatch.setattr(answer, "open_registry", lambda uri: registry)
    monkeypatch.setattr(loading, "loads", lambda folder: "")  # these models are one line of text
    for number in ("1", "2"):
        registry.register("churn-model", {"MLmodel": number.encode()})
        prove(registry, tmp_path, number, "PASSED")
    return registry


def prove(registry, folder, version, outcome):
    import hashlib

    model = registry.fetch(f"models:/churn-model/{version}", folder / f"copy{version}")
    document = {
        "schema": SCHEMA,
        "outcome": outcome,
        "reasons": [],
        "model": {"name": "churn-model", "digest": model_digest(model_files(model))},
        "champion": {},
        "data": {},
        "policy": {"digest": read_policy(folder / "gates.toml").digest, "changes": []},
        "run": {"created": "2026-11-23T12:00:00+00:00"},
        "gates": [{"gate": "accuracy", "outcome": outcome, "reasons": []}],
        "checks": [],
        "tests": [],
    }
    raw = json.dumps(document).encode()
    run_id = registry.attach(GateRunRecord("gates", {}, {}, {}), {JSON_FILE: raw})
    tag = {"sha256": hashlib.sha256(raw).hexdigest(), "outcome": outcome, "created": "2026-11-23"}
    registry.tag("churn-model", version, TAG_PREFIX + run_id, json.dumps(tag))


def run(capsys, *argv):
    code = cli.main(argv)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err


def test_promote_status_rollback_history(registry, capsys):
    assert run(capsys, "promote", "models:/churn-model/1", "--to", "staging")[0] == 0
    code, out, err = run(capsys, "promote", "models:/churn-model/2", "--to", "staging")
    assert (code, err) == (0, "")
    assert "churn-model version 2 now holds 'staging' (entry #3, before: version 1)" in out
    code, out, _ = run(capsys, "status", "churn-model")
    assert code == 0
    assert "gatekit rollback churn-model --stage staging  (to 1)" in out
    command = next(line for line in out.splitlines() if "rollback" in line)
    argv = command.split("gatekit ")[1].split("  (")[0].split()
    assert run(capsys, *argv)[0] == 0  # the command that status prints is one that works
    assert registry.holder("churn-model", "staging", "alias").version == "1"
    assert (
        run(capsys, "rollback", "churn-model", "--stage", "staging", "--to", "2", "--reason", "x")[
            0
        ]
        == 0
    )
    code, out, _ = run(capsys, "history", "churn-model")
    assert code == 0
    assert len([line for line in out.splitlines() if line.startswith("#")]) == 4
    _, out, _ = run(capsys, "history", "churn-model", "--json")
    whole = json.loads(out)
    kinds = ["promote", "done"] * 2 + ["rollback", "done"] * 2
    assert [each["kind"] for each in whole["entries"]] == kinds
    assert whole["problems"] == []
    now = {"target": "staging", "holder": "2", "entry": 7, "unproved": ""}
    assert whole["pointers"] == [now]


def history(capsys, *argv):
    code, out, _ = run(capsys, "history", "churn-model", *argv)
    return code, " ".join(out.split())


def test_history_shows_a_pointer_that_a_hand_moved(registry, capsys):
    assert "POINTER" not in history(capsys)[1]
    registry.move("churn-model", "staging", "2", "alias")
    assert "POINTER staging: version 2, UNPROVED HOLDER: no entry" in history(capsys)[1]
    assert run(capsys, "promote", "models:/churn-model/2", "--to", "staging")[0] == 0
    assert "POINTER" not in history(capsys)[1]
    registry.move("churn-model", "staging", "1", "alias")
    code, said = history(capsys)
    assert "POINTER staging: version 1, UNPROVED HOLDER: the journal says version 2 (#1)" in said
    assert code == 0
    (pointer,) = json.loads(history(capsys, "--json")[1])["pointers"]
    assert (pointer["holder"], pointer["entry"]) == ("1", 1)
    assert "UNPROVED HOLDER" in pointer["unproved"]
    registry.clear("churn-model", "staging", "alias")
    assert "POINTER staging: nobody, UNPROVED HOLDER: the journal" in history(capsys)[1]


def test_history_without_a_policy_says_that_it_asked_for_no_pointer(registry, capsys, tmp_path):
    (tmp_path / "gates.toml").unlink()
    (tmp_path / "pyproject.toml").write_text("[tool.gatekit]\n")
    assert "pointers were not looked at" in history(capsys)[1]
    assert json.loads(history(capsys, "--json")[1])["pointers"] is None


def test_a_journal_that_does_not_hold_together_is_one(registry, capsys):
    run(capsys, "promote", "models:/churn-model/1", "--to", "staging")
    registry._journals["churn-model.journal"][0]["by"] = "mallory"
    for argv in ((), ("--at", "2030-01-01"), ("--json",)):
        code, said = history(capsys, *argv)
        assert code == 1, argv
        assert "#1 is not what #2 saw" in said


def test_a_terminal_gets_80_columns_and_a_pipe_whole_lines(registry, capsys, monkeypatch):
    reason = "the campaign cannot wait for another run of all the gates, says who pays for it"
    wish = ("--override", reason, "--gate", "accuracy", "--expires", "7d")
    assert run(capsys, "promote", "models:/churn-model/1", "--to", "staging", *wish)[0] == 0
    _, whole, _ = run(capsys, "history", "churn-model")
    assert f"; {reason}; " in whole
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    _, folded, _ = run(capsys, "history", "churn-model")
    assert max(map(len, folded.splitlines())) <= 80 < max(map(len, whole.splitlines()))
    assert folded.split() == whole.split()
    _, record, _ = run(capsys, "history", "churn-model", "--json")
    assert json.loads(record)["entries"][0]["reason"] == reason


def test_pointers_are_understood(registry, capsys):
    registry.move("churn-model", "candidate", "2", "alias")
    registry.put_in_stage("churn-model", "1", "Staging")
    assert (
        "version 2"
        in run(capsys, "promote", "models:/churn-model@candidate", "--to", "staging", "--dry-run")[
            1
        ]
    )
    assert (
        "version 1"
        in run(capsys, "promote", "models:/churn-model/Staging", "--to", "staging", "--dry-run")[1]
    )
    assert registry.holder("churn-model", "staging", "alias") is None


def test_refused_is_one(registry, capsys, tmp_path):
    registry.register("churn-model", {"MLmodel": b"3"})
    prove(registry, tmp_path, "3", "FAILED")
    code, out, err = run(capsys, "promote", "models:/churn-model/3", "--to", "staging")
    assert (code, out) == (1, "")
    assert "churn-model version 3 stays out of 'staging'" in err
    assert "  - accuracy: FAILED" in err
    assert run(capsys, "rollback", "churn-model", "--stage", "staging")[0] == 1
    override = ("--override", "campaign", "--gate", "accuracy", "--expires", "12h")
    code, out, _ = run(capsys, "promote", "models:/churn-model/3", "--to", "staging", *override)
    assert code == 0
    assert "overridden: campaign" in out


PROMOTE = ("promote", "models:/churn-model/1", "--to", "staging")
WRONG = [
    ((), "required"),
    (("launch",), "invalid choice"),
    (("promote", "models:/churn-model/1"), "--to"),
    ((*PROMOTE, "--gate", "accuracy"), "--gate without --override"),
    ((*PROMOTE, "--expires", "7d"), "--expires without --override"),
    ((*PROMOTE, "--override", "why"), "--override without --gate"),
    ((*PROMOTE, "--override", " ", "--gate", "accuracy"), "--override without a reason"),
    ((*PROMOTE, "--override", "why", "--gate", "accuracy", "--expires", "7w"), "--expires 7w"),
    ((*PROMOTE, "--override", "why", "--gate", "accuracy", "--expires", "0d"), "--expires 0d"),
    ((*PROMOTE, "--override", "why", "--gate", "accuracy", "--expires", "999999d"), "ten years"),
    ((*PROMOTE, "--gates", "missing.toml"), "no policy at missing.toml"),
    (("promote", "models:/churn-model/9", "--to", "staging"), "no version 9"),
    (("promote", "models:/churn-model@nobody", "--to", "staging"), "nobody"),
    (("promote", "models:/churn-model/1", "--to", "moon"), "[promotion.moon]"),
    (("promote", "runs:/abc/model", "--to", "staging"), "Register it first"),
    (("promote", "s3://bucket/model", "--to", "staging"), "not the URI of a registered version"),
    (("status", "models:/churn-model/1"), "a model's name is asked for"),
    (("status", "other"), "the policy is for 'churn-model'"),
]


@pytest.mark.parametrize(("argv", "words"), WRONG)
def test_a_wrong_call_is_four_and_writes_nothing(registry, capsys, argv, words):
    code, out, err = run(capsys, *argv)
    assert (code, out) == (4, "")
    assert words in err
    assert err.startswith("gatekit: ")
    assert registry.entries("churn-model.journal") == []


def test_an_unknown_model_has_no_history(registry, capsys):
    code, _, err = run(capsys, "history", "chrun-model")
    assert code == 1
    assert "no model chrun-model" in err


@pytest.mark.parametrize(
    "command", [(), ("promote",), ("rollback",), ("status",), ("history",), ("plan",)]
)
def test_help_reads(capsys, command):
    with pytest.raises(SystemExit) as ended:
        cli.main([*command, "--help"])
    assert ended.value.code == 0
    assert "usage: gatekit" in capsys.readouterr().out


def test_the_command_line_is_light():
    heavy = "('mlflow', 'pandas', 'numpy', 'sklearn', 'scipy', 'pyarrow')"
    code = f"import sys, gatekit.cli; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def keyed(tmp_path, monkeypatch, second_person="true"):
    """Two persons with keys; returns a function that becomes one of them."""
    from gatekit.attest.keys import generate

    text = POLICY + f"second_person = {second_person}\n"
    made = {}
    for who, roles in (("ci", ["promote"]), ("boss", ["override", "revoke", "promote"])):
        made[who] = generate()
        (tmp_path / f"{who}.pub").write_text(made[who].public.pem)
        text += f'[keys.{who}]\npublic = "{who}.pub"\nroles = {json.dumps(roles)}\n'
    (tmp_path / "gates.toml").write_text(text)
    return lambda who: monkeypatch.setenv("GATEKIT_SIGNING_KEY", made[who].pem)


def test_two_persons_and_a_revocation(registry, tmp_path, monkeypatch, capsys):
    become = keyed(tmp_path, monkeypatch)
    uri, ask = "models:/churn-model/1", ["--override", "new tariff", "--gate", "accuracy"]
    to = ["promote", uri, "--to", "staging"]
    code, _, err = run(capsys, *to, *ask)
    assert (code, "no signing key is at hand" in err) == (1, True)
    become("ci")
    code, out, _ = run(capsys, *to, *ask, "--request", "ask.json")
    assert (code, "nothing was promoted" in out) == (0, True)
    assert registry.entries("churn-model.journal") == []
    code, _, err = run(capsys, "approve", "ask.json")
    assert (code, "a second person has to approve" in err) == (1, True)
    code, _, err = run(capsys, *to, "--approval", "ask.json")
    assert (code, "no second person" in err) == (1, True)
    become("boss")
    assert "nothing was signed" in run(capsys, "approve", "ask.json", "--show")[1]
    assert run(capsys, "approve", "ask.json")[1].startswith("approved:")
    become("ci")
    code, out, err = run(capsys, *to, "--approval", "ask.json")
    assert (code, "now holds 'staging'" in out) == (0, True), err
    become("boss")
    revoke = ["revoke", "churn-model", "--version", "1", "--reason", "leak"]
    assert "still holds 'staging'" in run(capsys, *revoke)[1]
    code, out, _ = run(capsys, "reverify", "churn-model", "--stage", "staging")
    assert (code, "revoked by" in out) == (1, True)
    assert run(capsys, "reconcile", "churn-model")[:2] == (0, "nothing to do\n")
    assert run(capsys, "history", "churn-model", "--export", "all.json")[0] == 0
    code, out, _ = run(capsys, "history", "--check", "all.json", "--gates", "gates.toml")
    assert (code, "everything in it holds" in out) == (0, True), out
    exported = (tmp_path / "all.json").read_text().replace("new tariff", "old tariff")
    (tmp_path / "all.json").write_text(exported)
    assert run(capsys, "history", "--check", "all.json")[0] == 1


def test_options_that_do_not_go_together(registry, tmp_path, capsys):
    (tmp_path / "no.json").write_text("{}")
    to = ["promote", "models:/churn-model/1", "--to", "staging"]
    for argv, words in (
        ([*to, "--request", "f"], "--request without --override"),
        ([*to, "--approval", "no.json"], "no.json: no request for an override: no DSSE envelope"),
        ([*to, "--approval", "f", "--gate", "accuracy"], "--approval says"),
        (["history"], "history asks for a MODEL"),
        (["history", "--check", "gone.json"], "cannot be read"),
        (["history", "--check", "no.json"], "no exported history, it has no 'schema'. `gatekit"),
        (["history", "churn-model", "--export", "gone/f"], "gone/f: cannot be written (No such"),
        (["promote", "churn-model", "--to", "staging"], "Write models:/NAME/VERSION"),
        (["history", "churn-model", "--at", "noon"], "not a time"),
        (["rollback", "churn-model", "--stage", "staging", "--now", " "], "--now takes"),
    ):
        code, _, err = run(capsys, *argv)
        assert (code, words in err) == (4, True), err


def test_report_makes_the_page_again_from_json(tmp_path, capsys, monkeypatch):
    golden = Path(__file__).parent / "report" / "gatekit-report-1.json"
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(capsys, "report", str(golden), "-o", "again.html")
    assert code == 0
    assert out.startswith("FAILED  ")
    page = (tmp_path / "again.html").read_text()
    assert "accuracy" in page
    assert "<!doctype html>" in page


def test_report_finds_the_report_of_a_version(registry, tmp_path, capsys):
    golden = (Path(__file__).parent / "report" / "gatekit-report-1.json").read_bytes()
    registry.register("churn-model", {"MLmodel": b"3"})
    run_id = registry.attach(GateRunRecord("gates", {}, {}, {}), {JSON_FILE: golden})
    tag = {"sha256": hashlib.sha256(golden).hexdigest(), "outcome": "FAILED"}
    registry.tag("churn-model", "3", TAG_PREFIX + run_id, json.dumps(tag))
    page = tmp_path / "of-registry.html"
    assert run(capsys, "report", "models:/churn-model/3", "-o", str(page))[0] == 0
    assert "<!doctype html>" in page.read_text()


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("nowhere.json", 4, "cannot be read"),
        ("gates.toml", 4, "gates.toml: not a gatekit report: it is not JSON"),
        ("models:/churn-model/99", 4, "99"),
        ("models:/churn-model/2", 1, "not a whole report"),  # of a run's names and no more
    ],
)
def test_report_says_what_it_cannot_show(registry, capsys, source, code, words):
    found, _, err = run(capsys, "report", source)
    assert found == code
    assert words in err
