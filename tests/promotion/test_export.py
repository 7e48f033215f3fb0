"""An exported history: checked by us, by a program that knows no gatekit, and after years."""

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gatekit.promotion.approval import approve
from gatekit.promotion.export import export
from gatekit.promotion.exported import check_export
from gatekit.report.document import JSON_FILE
from gatekit.report.signed import STATEMENT_FILE

from .office import FAILED, KEYS, NAME, Office

PAGE = Path(__file__).parents[2] / "docs" / "attestation.md"
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def office(world):
    return Office(world)


def exported(office):
    w = office.world
    content = export(w.registry, NAME, w.journal, w.policy, w.clock())
    return json.loads(json.dumps(content))


def busy(world):
    """One of each: two promotions, an override by two persons, a rollback, a revocation."""
    office = Office(world, second_person=True)
    one, two, three = world.add(), world.add(), world.add(gates=FAILED)
    office.promote(one)
    office.promote(two)
    raw, override = office.request(three, "accuracy")
    office.promote(three, override=override, approval=approve(raw, KEYS["boss"]).decode())
    office.rollback(reason="complaints")
    office.revoke(three)
    return office


def test_an_export_is_checked_without_a_registry(world):
    content = exported(office := busy(world))
    lines, well = check_export(content, office.world.policy)
    assert (well, lines[-1]) == (True, "everything in it holds")
    assert "5 signed decisions, by the keys of your policy" in lines[0]
    assert check_export(content)[1]


def put(content, run, name, raw):
    """Put another file in its place, with its right sha256, as a forger would."""
    kept = {"sha256": hashlib.sha256(raw).hexdigest(), "base64": base64.b64encode(raw).decode()}
    content["reports"][run][name] = kept


def raw_of(content, run, name):
    return base64.b64decode(content["reports"][run][name]["base64"])


def change_an_entry(content):
    content["entries"][2]["by"] = "nobody"


def spoil_a_report(content):
    content["reports"]["run1"][JSON_FILE]["base64"] = "e30="


def edit_a_report(content):
    raw = raw_of(content, "run1", JSON_FILE).replace(b'"n": ', b'"n": 1').replace(b"ana", b"eve")
    put(content, "run1", JSON_FILE, raw.replace(b"accuracy", b"goodness"))


def edit_a_statement(content):
    fields = json.loads(raw_of(content, "run1", STATEMENT_FILE))
    payload = base64.b64decode(fields["payload"]).replace(b"accuracy", b"goodness")
    fields["payload"] = base64.b64encode(payload).decode()
    put(content, "run1", STATEMENT_FILE, json.dumps(fields).encode())


def edit_both(content):
    edit_a_report(content)
    edit_a_statement(content)


def drop_a_statement(content):
    del content["reports"]["run1"][STATEMENT_FILE]


def swap_reports(content):
    content["reports"]["run1"] = content["reports"]["run2"]


def drop_an_entry(content):
    del content["entries"][0]


def drop_a_report(content):
    del content["reports"]["run2"]


def edit_a_policy(content):
    content["policies"] = {digest: "floor = 0" for digest in content["policies"]}


def trade_a_key(content):
    content["keys"]["ci"]["public"] = KEYS["mallory"].public.pem


def name_another_model(content):
    content["model"] = "fraud-model"


def say_it_twice(content):
    content["entries"].append(dict(content["entries"][0]))


# what is done to the file, and a word of what is said of it
TAMPERED = {
    change_an_entry: "says something else than the entry",
    spoil_a_report: "is not what its sha256 says",
    edit_a_report: "says something else than its report",
    edit_a_statement: "NOT SIGNED BY A TRUSTED KEY",
    edit_both: "NOT SIGNED BY A TRUSTED KEY",
    drop_a_statement: "its statement is not in the file",
    swap_reports: "which is about other bytes",
    drop_an_entry: "#1",
    drop_a_report: "which is not in the file",
    edit_a_policy: "does not stand in the file as it was used",
    trade_a_key: "NOT SIGNED BY A TRUSTED KEY",
    name_another_model: "about another model",
    say_it_twice: "do not stand in order, each once",
}
MINE = (
    edit_a_policy,
    trade_a_key,
    name_another_model,
    say_it_twice,
)  # whoever checks brings keys, and no policy's text


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda each: each.__name__)
def test_a_tampered_export_does_not_hold(office, tamper):
    office.promote(office.world.add())
    office.promote(office.world.add())
    content = exported(office)
    tamper(content)
    lines, well = check_export(content)
    assert not well
    assert any(TAMPERED[tamper] in line for line in lines if line.startswith("PROBLEM"))


def test_an_export_that_goes_by_another_name_is_not_what_the_policy_is_for(office):
    office.promote(office.world.add())
    lines, well = check_export({**exported(office), "model": "fraud-model"}, office.world.policy)
    assert not well
    assert any("about fraud-model, your policy is for churn-model" in line for line in lines)


class Stranger:
    """The program in the docs, in a process of its own that sees a file and public keys."""

    def __init__(self, folder):
        self.folder = folder
        text = (
            PAGE.read_text()
            .partition("```python run by tests/promotion/test_export.py\n")[2]
            .partition("```")[0]
        )
        (folder / "check.py").write_text(text)
        assert "gatekit" not in " ".join(x for x in text.splitlines() if "import" in x)

    def check(self, content, *keys):
        (self.folder / "history.json").write_text(json.dumps(content))
        for who in keys:
            (self.folder / f"{who}.pub").write_text(KEYS[who].public.pem)
        files = [f"{who}.pub" for who in keys]
        return self.run("history.json", *files)

    def run(self, *files):
        return subprocess.run(
            [sys.executable, "-I", "check.py", *files],
            check=False,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def stranger(tmp_path):
    return Stranger(tmp_path)


def test_a_program_without_gatekit_finds_that_it_holds(world, stranger):
    content = exported(busy(world))
    done = stranger.check(content, "ci", "boss")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "5 signed decisions hold, on 3 reports\n"
    assert "signed by none of these keys" in stranger.check(content, "ci").stderr
    assert "signed by none of these keys" in stranger.check(content, "mallory").stderr


@pytest.mark.parametrize(
    "tamper", [t for t in TAMPERED if t not in (*MINE, spoil_a_report)], ids=lambda t: t.__name__
)
def test_a_program_without_gatekit_finds_what_was_tampered(fresh_world, stranger, tamper):
    office = Office(fresh_world())
    office.promote(office.world.add())
    office.promote(office.world.add())
    content = exported(office)
    tamper(content)
    assert stranger.check(content, "ci", "boss").returncode == 1


def test_securesystemslib_verifies_every_envelope_of_it(world):
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    keys = [SSlibKey.from_crypto(KEYS[w].public.key, KEYS[w].public.keyid) for w in ("ci", "boss")]
    content = exported(busy(world))
    raw = [each["decision"] for each in content["entries"] if "decision" in each]
    raw += [each["approval"] for each in content["entries"] if "approval" in each]
    raw += [raw_of(content, run, STATEMENT_FILE) for run in content["reports"]]
    assert len(raw) == 5 + 1 + 3
    for each in raw:
        assert Envelope.from_dict(json.loads(each)).verify(keys, 1)


def test_an_export_of_old_holds_for_ever(stranger):
    """Decisions, a request that two have signed, statements: made on 2026-11-24."""
    content = json.loads((GOLDEN / "history.json").read_text())
    lines, well = check_export(content)
    assert well, lines
    assert "5 signed decisions" in lines[0]
    kinds = [each["kind"] for each in content["entries"] if each["kind"] != "done"]
    assert kinds == ["promote", "promote", "override", "rollback", "revoke"]
    (stranger.folder / "history.json").write_text(json.dumps(content))
    for who, key in content["keys"].items():
        (stranger.folder / f"{who}.pub").write_text(key["public"])
    assert "5 signed decisions hold" in stranger.run("history.json", "ci.pub", "boss.pub").stdout
