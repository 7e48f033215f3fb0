"""What speaks for a version, step by step, found from the version alone. Reads, never writes.

A step is ok, FAILED or skipped, with the reason in words. Nothing that was skipped counts as ok,
and a version is verified only if no step FAILED.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gatekit.attest.trust import Trust
from gatekit.decision import GateOutcome
from gatekit.errors import CandidateError
from gatekit.policy import Policy
from gatekit.promotion.claim import Claim, Override
from gatekit.promotion.counting import (
    data_of,
    expires,
    expiry,
    newest_that_counts,
    revocation,
)
from gatekit.promotion.desk import Desk
from gatekit.promotion.journal import Entry, Journal
from gatekit.promotion.proofs import STEPS, Filed, Proofs, read_proofs
from gatekit.promotion.requirements import expired, requirements
from gatekit.promotion.words import listed, plain, shown_digest, shown_time
from gatekit.registry import Registry
from gatekit.times import Clock, parse_moment, utc_now

State = Literal["ok", "FAILED", "skipped"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a verification."""

    name: str
    state: State
    words: str

    def line(self) -> str:
        """`ok       signature     by ci (9f3c52ab)`."""
        return f"{self.state:<8} {self.name:<14} {plain(self.words)}"


@dataclass(frozen=True, slots=True)
class Question:
    """What is verified: a version, for the targets it holds, or for the one that is named."""

    name: str
    version: str
    targets: tuple[str, ...] | None = None  # None: those it holds
    data_sha256: str | None = None


def verify(
    ask: Question, registry: Registry, policy: Policy, clock: Clock = utc_now
) -> tuple[Step, ...]:
    """Every step in order; the first that leaves nothing to go on ends it.

    Raises:
        RegistryUnavailable: nothing is known then.
        PolicyError: the policy knows no such target.
        KeyProblem: a key of the policy cannot be read.
    """
    desk = Desk.of(registry, policy, "", clock)
    version = registry.version(ask.name, ask.version)
    steps = [Step("resolve", "ok", f"{ask.name} version {version.version}")]
    try:
        digest = desk.digest(version.version)
    except CandidateError as error:
        return (*steps, Step("bytes", "FAILED", str(error)))
    steps.append(Step("bytes", "ok", f"{shown_digest(digest)}, all files hashed"))
    proofs = read_proofs(registry, version, Trust.of(policy))
    steps += _reading(proofs, policy)
    targets = _held(desk, policy, version.version) if ask.targets is None else ask.targets
    journal = desk.journal()
    claims = _claims(desk, ask, digest, proofs, journal, targets)
    agreeing, about_it = _agreeing(proofs, policy, digest, ask)
    steps += [*agreeing, _uses(about_it)]
    for claim in claims:
        steps += _lasting(policy, claim)
        steps += _gates(policy, claim)
    if not claims:
        steps.append(_outcomes(about_it))
        none = "it holds no target of the policy; name one with --to"
        steps += [Step(name, "skipped", none) for name in ("freshness", "not revoked", "gates")]
    problems = journal.check_chain()
    said = "; ".join(problems) or f"{len(journal.entries)} entries, each as its follower saw it"
    steps.append(Step("journal", "FAILED" if problems else "ok", said))
    for target in targets:
        steps += _holding(desk, target, version.version)
    return tuple(steps)


def _claims(
    desk: Desk,
    ask: Question,
    digest: str,
    proofs: Proofs,
    journal: Journal,
    targets: tuple[str, ...],
) -> list[Claim]:
    """What would be claimed for the version: each target, with the override that it holds by."""
    now = desk.clock()
    return [
        Claim(
            target=target,
            version=ask.version,
            digest=digest,
            proofs=proofs,
            journal=journal,
            now=now,
            judge=desk.judge,
            data_sha256=ask.data_sha256,
            override=_override(desk, target, ask.version),
        )
        for target in targets
    ]


def verified(steps: tuple[Step, ...]) -> bool:
    """Whether nothing FAILED."""
    return all(step.state != "FAILED" for step in steps)


def _held(desk: Desk, policy: Policy, version: str) -> tuple[str, ...]:
    return tuple(target for target in policy.promotion if desk.holder(target) == version)


def _reading(proofs: Proofs, policy: Policy) -> list[Step]:
    """Found, signed, by whom, about what: each step is ok if one statement at least passes it."""
    steps = []
    for at, name in enumerate(STEPS):
        stopped = [w for w, s in zip(proofs.ignored, proofs.stopped, strict=True) if s == name]
        further = sum(STEPS.index(step) > at for step in proofs.stopped) + len(proofs.filed)
        if not policy.keys and name != "statements":
            steps.append(Step(name, "skipped", "the policy trusts no keys: nothing is signed"))
            continue
        said = [f"{further} of {further + len(stopped)} reports", *stopped]
        if name == "signature" and further:
            said[0] += f", by {_signers(proofs.filed)}" if proofs.filed else ""
        steps.append(Step(name, "ok" if further else "FAILED", "; ".join(said)))
    return steps


def _signers(filed: tuple[Filed, ...]) -> str:
    return listed(list(dict.fromkeys(signer.words() for each in filed for signer in each.signers)))


def _agreeing(
    proofs: Proofs, policy: Policy, digest: str, ask: Question
) -> tuple[list[Step], list[Filed]]:
    """Whether one report at least is of these bytes, this policy and this data; and which are."""
    same = [filed for filed in proofs.filed if filed.report.digest == digest]
    by_policy = [filed for filed in same if filed.report.policy["digest"] == policy.digest]
    wanted = policy.holdout.sha256 or ask.data_sha256
    by_data = [filed for filed in by_policy if not wanted or data_of(filed.report) == wanted]
    data = Step("data", "skipped", "the policy pins no data, and the file is not here")
    if wanted:
        data = _any("data", len(by_data), len(by_policy), f"on data {shown_digest(wanted)}")
    steps = [
        _any("model", len(same), len(proofs.filed), f"of the bytes {shown_digest(digest)}"),
        _any("policy", len(by_policy), len(same), f"by policy {shown_digest(policy.digest)}"),
        data,
    ]
    return steps, by_data


def _outcomes(reports: list[Filed]) -> Step:
    """What the newest report of each gate says of it; a partial one counts if there is no other."""
    newest: dict[str, tuple[GateOutcome, Filed]] = {}
    for filed in sorted(reports, key=lambda each: each.created):
        for each in filed.report.gates:
            if each.outcome is not GateOutcome.INCOMPLETE or each.gate not in newest:
                newest[each.gate] = each.outcome, filed
    short = [
        f"{plain(gate)}: {'void' if filed.voids else outcome} in run {plain(filed.run_id)}"
        for gate, (outcome, filed) in newest.items()
        if filed.voids or outcome not in (GateOutcome.PASSED, GateOutcome.OBSERVED)
    ]
    said = "; ".join(short) or f"passed in their newest reports: {listed(list(newest))}"
    if not newest:
        said = "no report of these bytes, this policy and this data says how a gate ended"
    return Step("outcome", "FAILED" if short or not newest else "ok", said)


def _uses(reports: list[Filed]) -> Step:
    """How often the test set had been used, as the newest report that counted it says."""
    for filed in sorted(reports, key=lambda each: each.created, reverse=True):
        uses = filed.report.run.get("uses")
        if isinstance(uses, dict) and uses.get("words"):
            said = f"{uses['words']}, in run {filed.run_id}"
            return Step("test set", "ok" if uses.get("number") else "skipped", said)
    return Step("test set", "skipped", "no report says how often it was used")


def _any(name: str, some: int, of: int, words: str) -> Step:
    return Step(name, "ok" if some else "FAILED", f"{some} of {of} reports are {words}")


def _lasting(policy: Policy, claim: Claim) -> list[Step]:
    """Whether the deciding reports of the gates that were run still hold."""
    gates = dict.fromkeys(g.gate for filed in claim.proofs.filed for g in filed.report.gates)
    found = [newest_that_counts(gate, policy, claim) for gate in gates]
    deciding = list({filed.run_id: filed for filed in found if filed is not None}.values())
    if not deciding:
        nothing = f"no report counts for '{claim.target}'"
        return [Step(name, "FAILED", nothing) for name in ("freshness", "not revoked")]
    ends = [end for filed in deciding if (end := expires(filed, policy)) is not None]
    steps = []
    if not ends:
        steps.append(Step("freshness", "skipped", "unsigned reports do not expire"))
    else:
        over = [words for filed in deciding if (words := expiry(filed, policy, claim))]
        until = f"the first ends {shown_time(min(ends))}"
        steps.append(Step("freshness", "FAILED" if over else "ok", "; ".join(over) or until))
    undone = list(
        dict.fromkeys(
            words
            for filed in deciding
            if filed.report.outcome is not GateOutcome.FAILED
            and (words := revocation(filed, policy, claim))
        )
    )
    said = "; ".join(undone) or "no later signed run failed on the same model, policy and data"
    if not policy.keys:
        return [*steps, Step("not revoked", "skipped", "an unsigned run revokes no other")]
    return [*steps, Step("not revoked", "FAILED" if undone else "ok", said)]


def _gates(policy: Policy, claim: Claim) -> list[Step]:
    return [
        Step(f"for {claim.target}", "ok" if each.satisfied else "FAILED", each.words)
        for each in requirements(policy, claim)
    ]


def _holding(desk: Desk, target: str, version: str) -> list[Step]:
    """Whether the pointer is where the journal says, and what it rests on."""
    journal, holder = desk.journal(), desk.holder(target)
    entry = journal.in_effect(target)
    said = f"'{target}' is held by {f'version {holder}' if holder else 'nobody'}"
    if (entry.version if entry else "") != holder:
        wrong = f"{said}, the journal says {f'version {entry.version}' if entry else 'nobody'}"
        steps = [Step("holder", "FAILED", wrong)]
    elif entry is not None and not journal.is_done(entry):
        steps = [Step("holder", "FAILED", f"{said}, but entry #{entry.number} is unfinished")]
    else:
        steps = [Step("holder", "ok", f"{said}, as the journal says")]
    if entry is not None and desk.judge.trust:
        why = desk.judge.why_not(entry, journal)
        said = f"'{target}': entry #{entry.number} "
        said += why or "is signed by a key that may decide it"
        steps.append(Step("decision", "FAILED" if why else "ok", said))
    if entry is None or entry.version != version or not entry.overridden:
        return [*steps, Step("overrides", "ok", f"'{target}': it rests on none")]
    over = expired(entry, desk.clock())
    words = f"{listed(entry.overridden)} until {shown_time(entry.expires)}"
    said = f"'{target}': {'EXPIRED' if over else 'in force'}, {words}"
    return [*steps, Step("overrides", "FAILED" if over else "ok", said)]


def _override(desk: Desk, target: str, version: str) -> Override | None:
    """The override that the version holds the target by, while it is in force."""
    entry: Entry | None = desk.journal().in_effect(target)
    if entry is None or entry.version != version or not entry.overridden:
        return None
    until = parse_moment(entry.expires)
    if until is None or expired(entry, desk.clock()):
        return None
    return Override(entry.reason or f"entry #{entry.number}", entry.overridden, until)
