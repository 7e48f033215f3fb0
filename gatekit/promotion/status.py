"""What whoever is woken at three wants to know, on one screen of 80 columns."""

from __future__ import annotations

import json
import textwrap
from datetime import datetime

from gatekit.attest.trust import Trust
from gatekit.policy import Policy
from gatekit.promotion.desk import Desk, open_words
from gatekit.promotion.holders import held
from gatekit.promotion.journal import Entry, Journal
from gatekit.promotion.promote import check_policy
from gatekit.promotion.proofs import read_proofs
from gatekit.promotion.requirements import expired
from gatekit.promotion.rollback import origin, ways_back
from gatekit.promotion.trusted import NOT_TRUSTED, Judge, revoked_words
from gatekit.promotion.words import listed, plain, shown_digest, shown_time
from gatekit.registry import ModelVersion, Registry
from gatekit.report.document import TAG_PREFIX
from gatekit.times import Clock, utc_now

COLUMNS, ROWS = 80, 24
_LABEL = 12
_MOST_LINES = 2  # of one field; `gatekit history` and the report say the rest
_MOST_REASONS = 3


def status_lines(
    registry: Registry, policy: Policy, name: str, clock: Clock = utc_now
) -> list[str]:
    """Holder, since when, on what proof, what was refused last, and the way back.

    Raises:
        UsageProblem: the policy is for another model.
        NotFound: the registry has no such model.
    """
    check_policy(policy, name)
    desk = Desk.of(registry, policy, "", clock)
    versions = registry.versions(name)
    journal = desk.journal()
    count = "1 version" if len(versions) == 1 else f"{len(versions)} versions"
    known = f"{count}, newest {versions[0].version}"
    lines = [f"{plain(name)}: {known}; policy {shown_digest(policy.digest)}"]
    for target in dict.fromkeys((*policy.promotion, *journal.targets)):
        lines += _target_lines(target, desk, journal)
    problems: list[str] = []
    if found := journal.check_chain():
        problems = _field("JOURNAL", f"does not hold together: {'; '.join(found)}")
    room = ROWS - len(lines) - len(problems)
    return lines + _refused_lines(registry, versions, Trust.of(policy), room) + problems


def _target_lines(target: str, desk: Desk, journal: Journal) -> list[str]:
    now = held(desk, journal, target)
    holder, entry = now.holder, now.entry
    if entry is None:
        said = f"version {holder}, {now.unproved}" if holder else "nobody yet"
        return [plain(target), *_field("holder", said)]
    lines = [plain(target)]
    if holder == entry.version:
        since = f"version {holder} since {shown_time(entry.at)}, {entry.kind} by {plain(entry.by)}"
        lines += _field("holder", since)
        lines += _field("proof", _proof(entry, journal, desk.clock()))
        lines += _signed(entry, journal, desk.judge)
    else:
        lines += _field("holder", f"version {holder}" if holder else "nobody")
    agrees = f"agrees with the journal (#{entry.number})"
    if not now.done:
        agrees = f"UNFINISHED {open_words(entry)}; the next promote or rollback finishes it"
    lines += _field("pointer", now.unproved or agrees)
    return lines + _field("back", _way_back(target, desk, journal, holder))


def _signed(entry: Entry, journal: Journal, judge: Judge) -> list[str]:
    """By whose key the holder got there, and whether its bytes were revoked since."""
    lines: list[str] = []
    if why := judge.why_not(entry, journal):
        lines += _field("signed", f"{NOT_TRUSTED}: {why}")
    elif signers := judge.signers(entry):
        lines += _field("signed", f"by {plain(', '.join(each.words() for each in signers))}")
    if revocation := judge.revocation(entry.digest, journal, entry.target):
        lines += _field("REVOKED", revoked_words(revocation))
    return lines


def _proof(entry: Entry, journal: Journal, now: datetime) -> str:
    runs = f"reports {listed(tuple(map(plain, entry.reports)))}" if entry.reports else "no report"
    if not entry.overridden:
        return f"{runs}; bytes {shown_digest(entry.digest)}"
    until = f"until {shown_time(entry.expires)}"
    if expired(entry, now):
        until = f"EXPIRED {shown_time(entry.expires)}"
    source = origin(journal, entry) or entry
    why = plain(source.reason)
    return f"OVERRIDE of {listed(tuple(map(plain, entry.overridden)))} {until}: {why}; {runs}"


def _way_back(target: str, desk: Desk, journal: Journal, holder: str) -> str:
    ways = ways_back(journal, target, holder, desk.judge)
    if not ways:
        return "no earlier holder on proof to go back to"
    return f"gatekit rollback {plain(desk.name)} --stage {plain(target)}  (to {ways[0].version})"


def _refused_lines(
    registry: Registry, versions: list[ModelVersion], trust: Trust, room: int
) -> list[str]:
    """The newest report that did not pass, found by the tags and then read in full.

    Its reasons share what `room` is left on the screen, a line each at the least.

    Where keys are trusted, one that none of them signed refuses nothing, and is not shown.
    """
    candidates = sorted(_unpassed(versions), key=lambda found: found[0], reverse=True)
    for _, version, run_id in candidates:
        only = {key: value for key, value in version.tags.items() if key == TAG_PREFIX + run_id}
        slim = ModelVersion(version.name, version.version, tags=only)
        filed = read_proofs(registry, slim, trust).filed
        if not filed:
            continue
        report = filed[0].report
        when = shown_time(filed[0].created)
        lines = _field("refused", f"version {version.version}, {when}: {report.outcome}", top=True)
        shown = report.reasons[:_MOST_REASONS]
        most = max(1, (room - len(lines) - 1) // max(1, len(shown)))
        for reason in shown:
            lines += _field("", plain(reason), most=most)
        rest = len(report.reasons) - len(shown)
        return lines + _field("", f"{f'and {rest} more, ' if rest else ''}run {plain(run_id)}")
    return _field("refused", "nothing", top=True)


def _unpassed(versions: list[ModelVersion]) -> list[tuple[str, ModelVersion, str]]:
    found = []
    for version in versions:
        for key, value in version.tags.items():
            if not key.startswith(TAG_PREFIX):
                continue
            try:
                summary = json.loads(value)
                if summary["outcome"] != "PASSED":
                    found.append((str(summary["created"]), version, key.removeprefix(TAG_PREFIX)))
            except (ValueError, KeyError, TypeError):
                continue  # promotion names such a tag as ignored; here it tells nothing
    return found


def _field(label: str, text: str, *, top: bool = False, most: int = _MOST_LINES) -> list[str]:
    indent = "" if top else "  "
    return textwrap.wrap(
        text,
        COLUMNS,
        initial_indent=(indent + label).ljust(_LABEL),
        subsequent_indent=" " * _LABEL,
        break_on_hyphens=False,
        max_lines=min(most, _MOST_LINES),
        placeholder=" ...",
    )
