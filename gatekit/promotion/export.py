"""One file for an auditor: the journal with its signed decisions, and what they rest on.

Schema `gatekit-history/1`. It is checked without any registry: the chain, each decision's
signature, each report's and statement's digest. Keys that come in the file prove only that it
agrees with itself; the auditor's own come by a policy.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any

from gatekit.attest.decision import statement_of
from gatekit.attest.envelope import parse
from gatekit.attest.keys import public_key
from gatekit.attest.trust import Trust
from gatekit.errors import EnvelopeProblem, GatekitError, NotFound, UsageProblem
from gatekit.policy import Policy, TrustedKey
from gatekit.promotion.journal import Entry, Journal
from gatekit.promotion.trusted import NOT_TRUSTED, Judge
from gatekit.promotion.words import plain
from gatekit.registry import Registry
from gatekit.report.document import JSON_FILE, Report
from gatekit.times import iso, parse_moment

SCHEMA = "gatekit-history/1"
# envelopes beside a report, where a run was signed
STATEMENTS = ("gatekit-statement.dsse.json", "gatekit-test-result.dsse.json")


def export(
    registry: Registry, name: str, journal: Journal, policy: Policy | None, now: datetime
) -> dict[str, Any]:
    """Everything about a model's promotions, as JSON values.

    Raises:
        RegistryUnavailable: it is not known what there is.
    """
    runs = dict.fromkeys(run for entry in journal.entries for run in entry.reports)
    reports, policies, missing = {}, {}, []
    for run in runs:
        kept = _files(registry, run)
        if JSON_FILE not in kept:
            missing.append(run)
            continue
        report = Report.from_json(kept[JSON_FILE])
        policies[str(report.policy["digest"])] = str(report.policy.get("text", ""))
        reports[run] = {
            file: {
                "sha256": hashlib.sha256(raw).hexdigest(),
                "base64": base64.b64encode(raw).decode(),
            }
            for file, raw in kept.items()
        }
    return {
        "schema": SCHEMA,
        "model": name,
        "exported": iso(now),
        "entries": [{"number": e.number, **e.to_fields()} for e in journal.entries],
        "reports": reports,
        "missing": missing,
        "policies": policies,
        "keys": {} if policy is None else _keys(policy),
        "second_person": [] if policy is None else list(Judge.of(policy).two_persons),
    }


def check_export(content: Any, policy: Policy | None = None) -> tuple[list[str], bool]:
    """Lines about an exported file, and whether all of it holds; `policy` brings keys to trust.

    Raises:
        UsageProblem: it is no such file.
    """
    try:
        if content["schema"] != SCHEMA:
            raise UsageProblem(f"a file of schema {content['schema']!r}, not {SCHEMA!r}")
        journal = Journal(
            tuple(Entry.from_fields(int(e["number"]), _strings(e)) for e in content["entries"])
        )
        judge = _judge(content) if policy is None else Judge.of(policy)
        problems = [*journal.check_chain(), *_entry_problems(journal, judge)]
        problems += _report_problems(journal, content, judge)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageProblem(f"no exported history ({type(error).__name__})") from error
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


def _files(registry: Registry, run: str) -> dict[str, bytes]:
    kept = {}
    for file in (JSON_FILE, *STATEMENTS):
        try:
            kept[file] = registry.read(run, file)
        except NotFound:
            continue
    return kept


def _keys(policy: Policy) -> dict[str, Any]:
    return {
        name: {
            "public": key.public,
            "roles": list(key.roles),
            "gates": list(key.gates),
            "targets": list(key.targets),
            "until": key.until,
        }
        for name, key in policy.keys.items()
    }


def _judge(content: dict[str, Any]) -> Judge:
    known = []
    for name, each in content["keys"].items():
        lists = {key: tuple(each[key]) for key in ("roles", "gates", "targets")}
        key = TrustedKey(public=each["public"], until=each["until"], **lists)
        known.append((name, key, public_key(key.public, f"keys.{name}")))
    return Judge(str(content["model"]), Trust(tuple(known)), tuple(content["second_person"]))


def _entry_problems(journal: Journal, judge: Judge) -> list[str]:
    judged = [(entry.number, judge.why_not(entry, journal)) for entry in journal.entries]
    return [f"#{number} is {NOT_TRUSTED}: {why}" for number, why in judged if why]


def _report_problems(journal: Journal, content: dict[str, Any], judge: Judge) -> list[str]:
    """Reports and statements that were changed, are about other bytes, or are not there."""
    problems = [f"the report {run} could not be exported" for run in content["missing"]]
    found: dict[str, Report] = {}
    for run, files in content["reports"].items():
        for file, each in files.items():
            raw = base64.b64decode(each["base64"], validate=True)
            if hashlib.sha256(raw).hexdigest() != each["sha256"]:
                problems.append(f"{file} of run {run} is not what its sha256 says")
            elif file == JSON_FILE:
                try:
                    found[run] = Report.from_json(raw)
                except GatekitError as error:
                    problems.append(f"the report {run}: {error.message}")
        problems += _envelope_problems(run, files, found.get(run), judge)
    for entry in journal.entries:
        for run in entry.reports:
            if run in found and found[run].digest != entry.digest:
                problems.append(f"#{entry.number} rests on {run}, which is about other bytes")
            elif run not in found and run not in content["missing"]:
                problems.append(f"#{entry.number} rests on {run}, which is not in the file")
    return problems


def _envelope_problems(
    run: str, files: dict[str, Any], report: Report | None, judge: Judge
) -> list[str]:
    """Why the statements about a run do not count: by whom they are, and about which bytes."""
    problems = []
    for file in STATEMENTS:
        if report is None or file not in files:
            continue
        try:
            envelope = parse(base64.b64decode(files[file]["base64"], validate=True))
            subject = statement_of(envelope)["subject"]
        except EnvelopeProblem as error:
            problems.append(f"{file} of run {run}: {error.message}")
            continue
        at = parse_moment(str(report.run["created"]))
        if judge.trust and (at is None or judge.trust.why_not(envelope, "attest", at)):
            problems.append(f"{file} of run {run} is {NOT_TRUSTED}")
        if [each["digest"]["sha256"] for each in subject] != [report.digest]:
            problems.append(f"{file} of run {run} is about other bytes than its report")
    return problems


def _strings(fields: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in fields.items() if key != "number"}
