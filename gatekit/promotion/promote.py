"""Giving a pointer to a version: proof against the bytes as they are now, then one move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gatekit.attest.keys import PrivateKey
from gatekit.attest.trust import Trust
from gatekit.errors import CandidateError, NotFound, PromotionRefused, UsageProblem
from gatekit.policy import Policy, Role
from gatekit.promotion.approval import read_request, unapproved
from gatekit.promotion.compared import against_the_holder
from gatekit.promotion.desk import Desk
from gatekit.promotion.journal import Entry, Journal
from gatekit.promotion.proofs import Proofs, read_proofs
from gatekit.promotion.protocol import act, open_entries, settle
from gatekit.promotion.requirements import (
    Claim,
    Override,
    Requirement,
    reports_relied_on,
    requirements,
)
from gatekit.promotion.words import shown_digest
from gatekit.registry import ModelVersion, Registry
from gatekit.times import Clock, iso, parse_moment, utc_now

LONGEST_REASON = 500  # characters; a journal entry has to fit the tags of a registry


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """What is asked. `tested_digest` is the digest that the asking run saw, if one asks.

    `approval` is the request for the override that a second person has signed, an envelope.
    """

    name: str
    version: str
    target: str
    by: str
    override: Override | None = None
    dry_run: bool = False
    tested_digest: str | None = None
    approval: str = ""
    data_sha256: str | None = None  # of the holdout beside the policy, if it is there


@dataclass(frozen=True, slots=True)
class Promotion:
    """How it went. `entry` is the journal's number, 0 if nothing was written."""

    name: str
    version: str
    target: str
    state: Literal["moved", "already", "dry run"]
    before: str
    requirements: tuple[Requirement, ...]
    entry: int = 0
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What happened, in one line."""
        subject = f"{self.name} version {self.version}"
        before = f"version {self.before}" if self.before else "nobody"
        said = {
            "moved": f"{subject} now holds '{self.target}' (entry #{self.entry}, before: {before})",
            "already": f"{subject} already holds '{self.target}' on proof; nothing was written",
            "dry run": f"{subject} would hold '{self.target}' (now: {before}); nothing was written",
        }
        return said[self.state]

    def lines(self) -> list[str]:
        """What a person wants to read of it."""
        marks = [("  " if each.satisfied else "! ") + each.words for each in self.requirements]
        return [*self.notes, self.words, *marks]


def promote(
    ask: PromotionRequest,
    registry: Registry,
    policy: Policy,
    clock: Clock = utc_now,
    signer: PrivateKey | None = None,
) -> Promotion:
    """Move the target to the version if everything the policy asks is proved or overridden.

    `signer` signs the decision; where the policy trusts keys, it has to be one of them.

    Raises:
        UsageProblem: no such version or target, or the policy is for another model.
        PromotionRefused: something is not proved, or another promotion came first.
        RegistryUnavailable: what was begun is finished by the next promote or rollback.
    """
    _check(ask, policy)
    desk = Desk.of(registry, policy, ask.by, clock, signer)
    _require_signer(ask, desk)
    version = find_version(registry, ask.name, ask.version)
    digest = desk.digest(version.version)
    _same_as_tested(ask, digest)
    _require_approval(ask, desk, digest)
    if ask.dry_run:
        journal = desk.journal()
        notes = open_entries(journal)
    else:
        notes, journal = settle(desk)
    claim = _claim(ask, desk, digest, journal, read_proofs(registry, version, Trust.of(policy)))
    before = desk.holder(ask.target)
    found = against_the_holder(requirements(policy, claim), policy, claim, before)
    ended = Promotion(ask.name, version.version, ask.target, "already", before, found, 0, notes)
    if ask.override is None and _is_proven_holder(claim, before):
        return ended
    _refuse_if_open(ended)
    if ask.dry_run:
        return Promotion(ask.name, version.version, ask.target, "dry run", before, found, 0, notes)
    entry, since = act(desk, _intent(claim, found, policy, ask.approval), journal)
    return Promotion(
        ask.name, version.version, ask.target, "moved", before, found, entry.number, notes + since
    )


def _claim(
    ask: PromotionRequest, desk: Desk, digest: str, journal: Journal, proofs: Proofs
) -> Claim:
    return Claim(
        target=ask.target,
        version=ask.version,
        digest=digest,
        proofs=proofs,
        journal=journal,
        now=desk.clock(),
        override=ask.override,
        judge=desk.judge,
        data_sha256=ask.data_sha256,
        asked=parse_moment(read_request(ask.approval.encode()).at) if ask.approval else None,
    )


def find_version(registry: Registry, name: str, version: str) -> ModelVersion:
    """That version.

    Raises:
        CandidateError: the registry answers that there is none.
    """
    try:
        return registry.version(name, version)
    except NotFound as error:
        raise CandidateError(error.message, error.hint) from error


def check_policy(policy: Policy, name: str, target: str | None = None) -> None:
    """Whether the policy speaks of this model and target.

    Raises:
        UsageProblem: it does not.
    """
    if policy.model != name:
        raise UsageProblem(
            f"the policy is for {policy.model!r}, and {name!r} was asked for",
            "Give the policy of that model with --gates FILE",
        )
    if target is not None:
        policy.target(target)


def check_reason(reason: str) -> None:
    """Whether a reason fits the journal.

    Raises:
        UsageProblem: it is too long.
    """
    if len(reason) > LONGEST_REASON:
        raise UsageProblem(
            f"a reason of {len(reason)} characters",
            f"At most {LONGEST_REASON} are kept; link to more",
        )


def _check(ask: PromotionRequest, policy: Policy) -> None:
    check_policy(policy, ask.name, ask.target)
    if ask.override is None:
        return
    check_reason(ask.override.reason)
    if not ask.override.reason.strip():
        raise UsageProblem("an override without a reason", "Say why, for whoever reads the journal")


def _require_signer(ask: PromotionRequest, desk: Desk) -> None:
    role: Role = "promote" if ask.override is None or ask.approval else "override"
    what = f"{ask.name} version {ask.version} stays out of '{ask.target}'"
    desk.require_signer(role, ask.target, what)


def _require_approval(ask: PromotionRequest, desk: Desk, digest: str) -> None:
    """Whether a second person has approved exactly this, where the policy wants one."""
    if ask.override is None or not (ask.approval or ask.target in desk.judge.two_persons):
        return
    draft = Entry(
        kind="override",
        target=ask.target,
        version=ask.version,
        digest=digest,
        at=iso(desk.clock()),
        reason=ask.override.reason,
        overridden=ask.override.gates,
        expires=iso(ask.override.expires),
        approval=ask.approval,
    )
    deciders = () if desk.signer is None else (desk.signer.public.keyid,)
    if why := unapproved(draft, ask.name, desk.judge.trust, deciders):
        raise PromotionRefused(
            f"{ask.name} version {ask.version} stays out of '{ask.target}'",
            (why,),
            "Ask with --request FILE, have it signed by `gatekit approve FILE`, and give it with "
            "--approval FILE. Nothing was written",
        )


def _same_as_tested(ask: PromotionRequest, digest: str) -> None:
    if ask.tested_digest is None or ask.tested_digest == digest:
        return
    was, now = shown_digest(ask.tested_digest), shown_digest(digest)
    raise PromotionRefused(
        f"{ask.name} version {ask.version} stays out of '{ask.target}'",
        (f"its bytes changed since this run read them: {was} was tested, {now} is there now",),
        "Find out who overwrote the version, register anew and gate again",
    )


def _is_proven_holder(claim: Claim, holder: str) -> bool:
    entry = claim.journal.in_effect(claim.target)
    return (
        entry is not None
        and holder == claim.version == entry.version
        and entry.digest == claim.digest
        and claim.journal.is_done(entry)
        and not entry.overridden
        and claim.judge.trusts(entry, claim.journal)
        and claim.judge.revocation(claim.digest, claim.journal, claim.target) is None
    )


def _refuse_if_open(ended: Promotion) -> None:
    reasons = tuple(each.words for each in ended.requirements if not each.satisfied)
    if not reasons:
        return
    stays = "stays out of" if ended.before != ended.version else "is not proved for"
    hint = "Nothing was moved for it"
    if ended.notes:
        hint += f"; before that: {'; '.join(ended.notes)}"
    raise PromotionRefused(
        f"{ended.name} version {ended.version} {stays} '{ended.target}'", reasons, hint
    )


def _intent(claim: Claim, found: tuple[Requirement, ...], policy: Policy, approval: str) -> Entry:
    current = expected(claim.journal, claim.target)
    override = claim.override
    return Entry(
        kind="promote" if override is None else "override",
        target=claim.target,
        version=claim.version,
        digest=claim.digest,
        expects=current,
        reason="" if override is None else override.reason,
        reports=reports_relied_on(found),
        overridden=() if override is None else override.gates,
        expires="" if override is None else iso(override.expires),
        policy=policy.digest,
        approval=approval,
    )


def expected(journal: Journal, target: str) -> int:
    """The number of the entry in effect, 0 for none: what a new intent builds on."""
    current = journal.in_effect(target)
    return 0 if current is None else current.number
