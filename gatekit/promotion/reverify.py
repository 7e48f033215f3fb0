"""Looking again at what is deployed: is each pointer where the journal put it, on its proof?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gatekit.errors import GatekitError, NotFound
from gatekit.policy import Policy
from gatekit.promotion.desk import Desk, Loads, open_words
from gatekit.promotion.journal import Entry, Journal
from gatekit.promotion.promote import check_policy
from gatekit.promotion.proofs import read_proofs
from gatekit.promotion.protocol import settle
from gatekit.promotion.requirements import expired
from gatekit.promotion.rollback import RollbackRequest, rollback
from gatekit.promotion.trusted import revoked_words
from gatekit.promotion.words import plain, shown_time


@dataclass(frozen=True, slots=True)
class Looked:
    """What one target was found to be. `grave` reasons are those a rollback answers to."""

    target: str
    holder: str
    grave: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """For a person: `ok` only if everything was looked at and nothing was found."""
        held = f"version {self.holder}" if self.holder else "nobody"
        reasons = (*self.grave, *self.other)
        head = f"{plain(self.target)}: {held}, {'FAILED' if reasons else 'ok'}"
        return [head, *(f"  - {reason}" for reason in reasons)]


def look_again(desk: Desk, policy: Policy, target: str) -> Looked:
    """Hold one target's holder against the journal, its bytes, signatures and times.

    Raises:
        RegistryUnavailable: nothing is known then.
    """
    journal, holder = desk.journal(), desk.holder(target)
    entry = journal.in_effect(target)
    if entry is None:
        if not holder:
            return Looked(target, holder)
        return Looked(target, holder, (), (f"no entry of the journal gave it to version {holder}",))
    if not journal.is_done(entry):
        return Looked(
            target, holder, (), (f"unfinished: {open_words(entry)}; run `gatekit reconcile`",)
        )
    grave = []
    if holder != entry.version:
        held = f"version {holder} holds it" if holder else "nobody holds it"
        moved = f"{held}, the journal says version {entry.version} (#{entry.number})"
        # moved by hand: what the journal's entry is worth says nothing of who holds it now
        return Looked(target, holder, (), (moved,))
    if why := desk.judge.why_not(entry, journal):
        grave.append(f"entry #{entry.number} does not count: {why}")
    if revocation := desk.judge.revocation(entry.digest, journal, entry.target):
        grave.append(revoked_words(revocation))
    if expired(entry, desk.clock()):
        grave.append(f"the override it rests on expired {shown_time(entry.expires)}")
    if changed := desk.changed(entry):
        grave.append(changed)
    return Looked(target, holder, tuple(grave), _aged(desk, policy, entry))


def reverify(
    desk: Desk, policy: Policy, stage: str | None = None, loads: Loads | None = None
) -> tuple[list[str], bool]:
    """Look at one target or at all; rolls back where the policy says so. Lines, and if all is well.

    Raises:
        UsageProblem: the policy is for another model, or knows no such target.
    """
    check_policy(policy, desk.name, stage)
    lines: list[str] = []
    well = True
    for target in [stage] if stage else list(policy.promotion):
        looked = look_again(desk, policy, target)
        lines += looked.lines()
        well = well and not (looked.grave or looked.other)
        if looked.grave and policy.target(target).on_failure == "rollback":
            lines += _roll_back(desk, policy, looked, loads)
    return lines, well


def _roll_back(desk: Desk, policy: Policy, looked: Looked, loads: Loads | None) -> list[str]:
    ask = RollbackRequest(
        desk.name, looked.target, desk.by, reason=f"reverify: {looked.grave[0]}"[:500]
    )
    try:
        done = rollback(ask, desk.registry, policy, desk.clock, signer=desk.signer, loads=loads)
    except GatekitError as error:
        return [f"  no rollback: {error}"]
    return [f"  {line}" for line in done.lines()]


def _aged(desk: Desk, policy: Policy, entry: Entry) -> tuple[str, ...]:
    """A pass that is too old blocks the next promotion; it takes nobody's pointer away."""
    try:
        version = desk.registry.version(desk.name, entry.version)
    except NotFound:
        return ()  # said already: its bytes are gone
    found = read_proofs(desk.registry, version)
    used = [filed for filed in found.filed if filed.run_id in entry.reports]
    missing = [run for run in entry.reports if run not in [filed.run_id for filed in used]]
    reasons = [f"the report {plain(run)} it rests on cannot be read any more" for run in missing]
    lasting = timedelta(days=policy.attestation.valid_days)
    reasons += [
        f"the pass of {shown_time(filed.created)} it rests on is older than "
        f"{policy.attestation.valid_days} days: gate it again"
        for filed in used
        if filed.created + lasting <= desk.clock()
    ]
    return tuple(reasons)


def reconcile(desk: Desk) -> list[str]:
    """Finish or give up what a crash has left open, and say what was done."""
    notes = list(settle(desk)[0])
    journal: Journal = desk.journal()
    for target in journal.targets:
        entry, holder = journal.in_effect(target), desk.holder(target)
        wanted = "" if entry is None else entry.version
        if holder != wanted:
            notes.append(
                f"'{plain(target)}' is held by {f'version {holder}' if holder else 'nobody'}, the "
                f"journal says {f'version {wanted}' if wanted else 'nobody'}: left as it is, since "
                f"no crash leaves that; promote or roll back"
            )
    return notes or ["nothing to do"]
