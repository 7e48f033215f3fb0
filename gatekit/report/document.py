"""The report: one JSON document of what was gated, on what data, by which bars, and the outcome.

Schema `gatekit-report/1`, described in docs/report.md. Everything else (the page, the
tags, promotion) is read from it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from gatekit.decision import Asked, Decision, GateOutcome, GateResult
from gatekit.errors import GatekitError
from gatekit.ledger import Check, Ledger

SCHEMA = "gatekit-report/1"
JSON_FILE = "gatekit-report.json"
HTML_FILE = "gatekit-report.html"
FORM_FILE = "gatekit-compiled.bin"
TAG_PREFIX = "gatekit.report."


@dataclass(frozen=True, slots=True)
class Report:
    """A gate run, finished. `model`, `champion`, `data`, `policy` and `run` are plain JSON."""

    model: dict[str, Any]
    champion: dict[str, Any]
    data: dict[str, Any]
    policy: dict[str, Any]
    run: dict[str, Any]
    outcome: GateOutcome
    gates: tuple[GateResult, ...]
    reasons: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    tests: tuple[dict[str, str], ...] = field(default=())

    @property
    def digest(self) -> str:
        """The digest of the model that was tested."""
        return str(self.model["digest"])

    @property
    def sentence(self) -> str:
        """The verdict in one sentence, as the page and the terminal open with it."""
        name, version = self.model.get("name") or self.model["uri"], self.model.get("version")
        subject = f"{name} version {version}" if version else str(name)
        target = self.run.get("target")
        where = f" for {target!r}" if target else ""
        said = {
            GateOutcome.PASSED: f"{subject} passed every gate asked of it{where}",
            GateOutcome.FAILED: f"{subject} failed{where}",
            GateOutcome.INCONCLUSIVE: f"{subject} is undecided{where}: the data cannot tell",
            GateOutcome.INCOMPLETE: f"{subject} was tested in part, which proves nothing{where}",
        }
        return said.get(self.outcome, str(self.outcome))

    def gate(self, name: str) -> GateResult | None:
        """The result of that gate, if it was part of the run."""
        return next((g for g in self.gates if g.gate == name), None)

    def loosened(self, gate: str) -> tuple[str, ...]:
        """Bars of that gate that the command line loosened, in words."""
        return tuple(
            change["words"]
            for change in self.policy["changes"]
            if change["loosened"] and change["gate"] == gate
        )

    def document(self) -> dict[str, Any]:
        """The document: plain JSON values, keys in a fixed order."""
        return {
            "schema": SCHEMA,
            "sentence": self.sentence,
            "outcome": str(self.outcome),
            "reasons": list(self.reasons),
            "model": self.model,
            "champion": self.champion,
            "data": self.data,
            "policy": self.policy,
            "run": self.run,
            "gates": [gate.as_dict() for gate in self.gates],
            "checks": [check.as_dict() for check in self.checks],
            "tests": list(self.tests),
        }

    def to_json(self) -> bytes:
        """The document as JSON, UTF-8."""
        text = json.dumps(self.document(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        # half a surrogate pair, from a model's own words, becomes its JSON escape
        return text.encode("utf-8", "backslashreplace")

    @classmethod
    def from_json(cls, raw: bytes) -> Report:
        """The report in `raw`.

        Raises:
            GatekitError: it is not a report of this schema.
        """
        try:
            return cls.from_document(json.loads(raw))
        except ValueError as error:
            raise GatekitError(f"not a gatekit report: it is not JSON ({error})") from error

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Report:
        """The report that `document` wrote; further keys are passed over.

        Raises:
            GatekitError: it is not a report of this schema.
        """
        try:
            if document["schema"] != SCHEMA:
                raise GatekitError(
                    f"a report of schema {document['schema']!r}; this gatekit reads {SCHEMA!r}"
                )
            return cls(
                **{key: document[key] for key in ("model", "champion", "data", "policy", "run")},
                outcome=GateOutcome(document["outcome"]),
                gates=tuple(
                    GateResult(g["gate"], GateOutcome(g["outcome"]), tuple(g["reasons"]))
                    for g in document["gates"]
                ),
                reasons=tuple(document["reasons"]),
                checks=tuple(Check.from_dict(check) for check in document["checks"]),
                tests=tuple(document["tests"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
            raise GatekitError(f"not a gatekit report: {what}") from error


def build_report(
    identity: dict[str, dict[str, Any]], ledger: Ledger, decision: Decision, asked: Asked
) -> Report:
    """The report of a finished run; `identity` holds its model, champion, data, policy and run."""
    run = {
        **identity["run"],
        "target": asked.target,
        "required": list(asked.required),
        "narrowed": asked.narrowed,
        "deselected": [f"{gate}: {test}" for gate, test in ledger.deselected],
        "voids": list(ledger.voids),
    }
    return Report(
        **{**identity, "run": run},
        outcome=decision.outcome,
        gates=decision.gates,
        reasons=decision.reasons,
        checks=tuple(ledger.checks),
        tests=tuple(
            {"gate": t.gate, "test": t.test, "outcome": t.outcome, "words": t.words}
            for t in ledger.tests
        ),
    )


def summary_tag(report: Report, raw: bytes, envelope: bytes = b"") -> str:
    """What the version's tag says of a report: enough to find it, and its sha256 to trust it.

    `envelope` is the signed statement of the run, if it was signed.
    """
    signed = {"statement": hashlib.sha256(envelope).hexdigest()} if envelope else {}
    return json.dumps(
        {
            "sha256": hashlib.sha256(raw).hexdigest(),
            "created": report.run["created"],
            "outcome": str(report.outcome),
            "digest": report.digest,
            "policy": report.policy["digest"],
            "gates": {gate.gate: str(gate.outcome) for gate in report.gates},
            **signed,
        },
        sort_keys=True,
    )
