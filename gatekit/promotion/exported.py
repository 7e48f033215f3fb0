"""An exported history, checked without any registry.

The chain, each decision's signature, each statement's signature and subject, and whether report
and policy stand in the file as the statement says. Keys that come in the file prove only that it
agrees with itself; the auditor's own come by a policy.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from gatekit.attest.envelope import Envelope, parse
from gatekit.attest.keys import public_key
from gatekit.attest.statement import BESIDE_THE_REPORT, GATE_RUN, Statement, read_statement
from gatekit.attest.testresult import TEST_RESULT
from gatekit.attest.trust import Trust
from gatekit.errors import EnvelopeProblem, GatekitError, UsageProblem
from gatekit.policy import Policy, TrustedKey
from gatekit.promotion.export import SCHEMA
from gatekit.promotion.journal import Entry, Journal
from gatekit.promotion.trusted import NOT_TRUSTED, Judge
from gatekit.promotion.words import plain
from gatekit.report.document import JSON_FILE, Report
from gatekit.report.signed import STATEMENT_FILE, TEST_RESULT_FILE
from gatekit.times import parse_moment

ANOTHER = "`gatekit history MODEL --export FILE` writes one"
PREDICATES = {STATEMENT_FILE: GATE_RUN, TEST_RESULT_FILE: TEST_RESULT}


def check_export(content: Any, policy: Policy | None = None) -> tuple[list[str], bool]:
    """Lines about an exported file, and whether all of it holds; `policy` brings keys to trust.

    Raises:
        UsageProblem: it is no such file.
    """
    try:
        if content["schema"] != SCHEMA:
            raise UsageProblem(
                f"an export of schema {content['schema']!r}, not {SCHEMA!r}", ANOTHER
            )
        journal = Journal(
            tuple(Entry.from_fields(int(e["number"]), _strings(e)) for e in content["entries"])
        )
        judge = _judge(content) if policy is None else Judge.of(policy)
        problems = [*_naming_problems(content, journal, judge), *journal.check_chain()]
        problems += _entry_problems(journal, judge)
        problems += _report_problems(journal, content, judge)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise UsageProblem(f"no exported history, {what}", ANOTHER) from error
    whose = "keys in the file itself: they prove that it agrees with itself, not by whom it is"
    if policy is not None:
        whose = "keys of your policy"
    signed = sum(1 for entry in journal.entries if entry.decision)
    known = f"{signed} signed decisions, by the {whose}" if judge.trust else "no keys to check by"
    lines = [
        f"{plain(str(content['model']))}: {len(journal.entries)} entries, {known}",
        f"{len(content['reports'])} reports, {len(content['missing'])} missing",
    ]
    if not judge.trust:
        problems.append("no signature was checked: give a policy with [keys] by --gates FILE")
    return [*lines, *(f"PROBLEM  {plain(p)}" for p in problems or ())] + (
        [] if problems else ["everything in it holds"]
    ), not problems


def _judge(content: dict[str, Any]) -> Judge:
    known = []
    for name, each in content["keys"].items():
        lists = {key: tuple(each[key]) for key in ("roles", "gates", "targets")}
        key = TrustedKey(public=each["public"], until=each["until"], **lists)
        known.append((name, key, public_key(key.public, f"keys.{name}")))
    return Judge(str(content["model"]), Trust(tuple(known)), tuple(content["second_person"]))


def _naming_problems(content: dict[str, Any], journal: Journal, judge: Judge) -> list[str]:
    """Another model than the one asked about, and numbers that stand twice."""
    problems = []
    if judge.name and content["model"] != judge.name:
        problems.append(
            f"it says that it is about {content['model']}, your policy is for {judge.name}"
        )
    numbers = [entry.number for entry in journal.entries]
    if numbers != sorted(set(numbers)):
        problems.append("its entries do not stand in order, each once")
    return problems


def _entry_problems(journal: Journal, judge: Judge) -> list[str]:
    judged = [(entry.number, judge.why_not(entry, journal)) for entry in journal.entries]
    return [f"#{number} is {NOT_TRUSTED}: {why}" for number, why in judged if why]


def _report_problems(journal: Journal, content: dict[str, Any], judge: Judge) -> list[str]:
    """Reports and statements that were changed, are about other bytes, or are not there."""
    problems = [f"the report {run} could not be exported" for run in content["missing"]]
    found: dict[str, Report] = {}
    for run, files in content["reports"].items():
        kept, changed = _contents(run, files)
        problems += changed
        try:
            found[run] = Report.from_json(kept.get(JSON_FILE, b""))
        except GatekitError as error:
            problems.append(f"the report {run}: {error.message}")
            continue
        problems += _statement_problems(run, kept, judge)
        policy = found[run].policy
        if content["policies"].get(str(policy["digest"])) != str(policy.get("text", "")):
            problems.append(f"the policy of run {run} does not stand in the file as it was used")
    for entry in journal.entries:
        for run in entry.reports:
            if run in found and found[run].digest != entry.digest:
                problems.append(f"#{entry.number} rests on {run}, which is about other bytes")
            elif run not in found and run not in content["missing"]:
                problems.append(f"#{entry.number} rests on {run}, which is not in the file")
    return problems


def _contents(run: str, files: dict[str, Any]) -> tuple[dict[str, bytes], list[str]]:
    """The files of a run, and those that are not what their sha256 says."""
    kept = {
        name: base64.b64decode(each["base64"], validate=True)
        for name, each in files.items()
        if name in (JSON_FILE, *PREDICATES)
    }
    bad = [n for n, raw in kept.items() if hashlib.sha256(raw).hexdigest() != files[n]["sha256"]]
    return kept, [f"{name} of run {run} is not what its sha256 says" for name in bad]


def _statement_problems(run: str, kept: dict[str, bytes], judge: Judge) -> list[str]:
    """Why the statements about a run do not count: by whom they are, and what they say."""
    problems = []
    if judge.trust and STATEMENT_FILE not in kept:
        problems.append(f"the report {run} is {NOT_TRUSTED}: its statement is not in the file")
    for name, kind in PREDICATES.items():
        if name not in kept:
            continue
        try:
            envelope = parse(kept[name])
            statement = read_statement(envelope.payload, kind)
        except EnvelopeProblem as error:
            problems.append(f"{name} of run {run}: {error.message}")
            continue
        problems += [
            f"{name} of run {run} {w}" for w in _wrong(envelope, statement, kept[JSON_FILE], judge)
        ]
    return problems


def _wrong(envelope: Envelope, statement: Statement, raw: bytes, judge: Judge) -> list[str]:
    """What is wrong with one statement; the report beside it has to say the very same."""
    report, words = json.loads(raw), []
    at = parse_moment(str(report["run"]["created"]))
    if judge.trust and (at is None or judge.trust.why_not(envelope, "attest", at)):
        words.append(f"is {NOT_TRUSTED}")
    if [digest for _, digest in statement.digests] != [report["model"]["digest"]]:
        words.append("is about other bytes than its report")
    if statement.predicate_type == GATE_RUN:
        said = {k: v for k, v in statement.predicate.items() if k not in BESIDE_THE_REPORT}
        if said != report:
            words.append("says something else than its report")
    return words


def _strings(fields: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in fields.items() if key != "number"}
