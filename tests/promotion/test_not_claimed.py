"""What a signed proof does not prove: each line of the docs, as it is. A better day is welcome here.

A test that fails because something is refused now means that the page may claim more.
"""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gatekit.attest.envelope import sign
from gatekit.attest.statement import gate_run_statement
from gatekit.promotion.export import export
from gatekit.promotion.exported import check_export
from gatekit.promotion.journal import Journal
from gatekit.promotion.reverify import reconcile
from gatekit.promotion.trusted import Judge
from gatekit.report.document import TAG_PREFIX

from .conftest import World
from .office import NAME, Office
from .signing import BOTH, CI, DATA, TEAM, Signed, trusted

PAGE = Path(__file__).parents[2] / "docs" / "attestation.md"
FAILED = {"accuracy": "FAILED", "latency": "PASSED"}


@pytest.fixture
def signed(fresh_world):
    return Signed(fresh_world())


def test_a_stolen_key(signed):
    """No test was run for this report, and its model was never loaded."""
    created = signed.world.now - timedelta(days=3)
    report = replace(
        signed.world.report(signed.version, BOTH),
        data={"sha256": DATA},
        run={"created": created.isoformat()},
    )
    assert report.checks == report.tests == ()
    payload = gate_run_statement(report.document(), created, created + timedelta(days=30))
    signed.keep(report, sign(payload, CI))
    assert signed.promote().state == "moved"


def test_a_retired_key(signed):
    """What it dates before its end counts, what it dates after does not."""
    retired = signed.world.now
    signed.trust(ci=trusted(CI, until=retired.isoformat()))
    signed.world.later(days=2)
    signed.file()
    assert "may not attest" in signed.refusal()
    signed.file(created=retired - timedelta(hours=1))
    keys = signed.world.policy.keys
    signed.trust(team=trusted(TEAM))  # the way to be rid of a key that leaked
    assert "no key that the policy trusts" in signed.refusal()
    signed.trust(**keys)
    assert signed.promote().state == "moved"


def test_an_honest_machine(signed):
    def bend(payload):
        whole = json.loads(payload)
        whole["predicate"]["run"] |= {"walls": [], "accepted_unwalled": "it is my laptop"}
        return json.dumps(whole).encode()

    signed.file(bend=bend)
    assert signed.promote().state == "moved"


def test_the_policys_own_keys(signed):
    before = signed.world.policy.digest
    signed.trust(ci=trusted(CI, gates=("latency",)))
    signed.file()
    assert "may not attest accuracy" in signed.refusal()
    signed.trust(ci=trusted(CI))
    assert signed.world.policy.digest == before
    assert signed.promote().state == "moved"


def test_a_deleted_failure(signed):
    signed.file()
    failed = signed.file(FAILED)
    assert "accuracy fell short" in signed.refusal()
    del signed.registry._versions[NAME][signed.version].tags[TAG_PREFIX + failed]
    assert signed.world.holder() == ""  # nothing moves by that
    assert signed.promote().state == "moved"


def test_a_journal_cut_short(fresh_world):
    """Its newest entries can go; one in the middle cannot, and an older export shows the rest."""
    world = fresh_world()
    office = Office(world)
    for _ in range(3):
        office.promote(world.add())
    whole = json.loads(
        json.dumps(export(world.registry, NAME, world.journal, world.policy, world.now))
    )
    entries = world.journal.entries
    assert Journal(entries[:2] + entries[3:]).check_chain()
    kept = world.registry._journals[f"{NAME}.journal"]
    del kept[2:]
    assert world.journal.check_chain() == []
    assert world.journal.in_effect("staging").version == "1"
    lines, well = check_export(whole, world.policy)
    assert (well, "6 entries" in lines[0]) == (True, True)


def test_another_registry(fresh_world):
    """A journal, or its beginning, counts where the same bytes have the same name; never twice."""
    world = fresh_world()
    office = Office(world)
    office.promote(world.add(b"same"))
    office.promote(world.add(b"other"))
    entries = [kept for _, kept in world.registry.entries(f"{NAME}.journal")]
    judge = Judge.of(world.policy)
    for count in (1, len(entries)):
        other = World(policy=world.policy)
        other.add(b"same")
        other.add(b"other")
        for kept in entries[:count]:
            other.registry.append(f"{NAME}.journal", kept)
        assert other.journal.check_chain() == []
        assert [judge.why_not(e, other.journal) for e in other.journal.entries] == [""] * count
        reconcile(Office(other).desk())
        assert other.holder() == ("1" if count == 1 else "")  # what is done moves nothing
    other.registry.append(f"{NAME}.journal", entries[0])
    assert judge.why_not(other.journal.entries[-1], other.journal) == "it repeats #1"


def test_time(signed):
    """A pass that expired counts where the clock of whoever promotes says that it has not."""
    signed.file(days=7)
    signed.world.later(days=8)
    assert "expired" in signed.refusal()
    signed.world.later(days=-2)
    assert signed.promote().state == "moved"


def test_the_page_lists_them():
    part = PAGE.read_text().partition("## What is not claimed")[2]
    names = [
        re.sub(r"\W+", "_", n.lower().replace("'", ""))
        for n in re.findall(r"^- \*\*(.+?)\*\*", part, re.MULTILINE)
    ]
    here = [each for each in globals() if each.startswith("test_") and "page" not in each]
    assert sorted(f"test_{name}" for name in names) == sorted(here)
