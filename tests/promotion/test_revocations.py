"""Bytes taken back for good: who may, and what they keep out of."""

from dataclasses import replace

import pytest

from gatekit.errors import UsageProblem
from gatekit.policy import TrustedKey
from gatekit.promotion.history import history_lines
from gatekit.promotion.journal import Entry
from gatekit.promotion.trusted import Judge

from .office import KEYS, narrowed, refused


def test_a_revoked_version_gets_no_target_and_moves_by_nobody(office):
    one, two, three = office.world.add(), office.world.add(), office.world.add()
    for version in (one, two, three):
        office.promote(version)
    assert "still holds 'staging'" not in " ".join(office.revoke(two))
    done = office.rollback()
    assert done.version == one
    assert "revoked by rosa" in done.notes[0]
    assert "revoked by rosa" in refused(office.rollback, to=two)
    assert "revoke: sha256:" in refused(office.promote, two)
    assert "still holds 'staging'" in " ".join(office.revoke(one))
    assert office.world.holder() == one
    assert "REVOKED revoked by rosa" in office.status()
    assert "is revoked already" in office.revoke(one)[0]
    assert any("  revoke  version 1" in line for line in history_lines(office.world.journal))
    with pytest.raises(UsageProblem, match="without a reason"):
        office.revoke(three, reason=" ")


def test_a_revocation_by_a_stranger_counts_for_nothing(office):
    version = office.world.add()
    digest = office.desk().digest(version)
    stranger = replace(office.desk("mallory"))
    stranger.append(
        Entry(kind="revoke", version=version, digest=digest, reason="x"), office.world.journal
    )
    assert office.promote(version).state == "moved"


def test_a_revocation_by_a_narrowed_key_counts_where_the_key_may_act(office):
    version = office.world.add()
    narrowed(office, targets=("production",))
    assert "is revoked (entry" in office.revoke(version)[0]
    judge, journal = Judge.of(office.world.policy), office.world.journal
    digest = office.desk().digest(version)
    assert judge.revocation(digest, journal, "production") is not None
    assert judge.revocation(digest, journal, "staging") is None
    assert office.promote(version).state == "moved"
    narrowed(office, targets=())
    assert judge.revocation(digest, journal, "staging") is None
    assert "revoked by rosa" in office.status()  # the same key, no longer narrowed


def test_a_narrow_revocation_does_not_keep_a_wide_one_out(office):
    version = office.world.add()
    narrowed(office, targets=("production",))
    office.revoke(version)
    keys = office.world.policy.keys
    wide = TrustedKey(public=KEYS["mallory"].public.pem, roles=("revoke",))
    office.world.policy = replace(office.world.policy, keys={**keys, "wide": wide})
    assert "is revoked (entry" in office.revoke(version, "mallory")[0]
    assert "is revoked already" in office.revoke(version, "mallory")[0]
    assert "revoked by rosa" in refused(office.promote, version)
