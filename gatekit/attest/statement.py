"""What is signed: in-toto Statements (v1) about the bytes of one model.

https://github.com/in-toto/attestation, spec/v1/statement.md. Two are made of each gate run: one
with the whole report under gatekit's own predicate type, on which promotion rests, and one of the
type `test-result/v0.1`, for tools that know no gatekit. A subject's `sha256` is the model digest of
`gatekit.digest`, the sha256 of a canonical text over all files; the predicate names that algorithm.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from gatekit.errors import EnvelopeProblem
from gatekit.times import iso

STATEMENT = "https://in-toto.io/Statement/v1"
GATE_RUN = "urn:gatekit:gate-run:v1"
DIGEST_ALGORITHM = "gatekit-model-v1"
BESIDE_THE_REPORT = ("digestAlgorithm", "notBefore", "notAfter")  # in the predicate


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it was read. `digests` are the sha256 of its subjects, by their name."""

    predicate_type: str
    digests: tuple[tuple[str, str], ...]
    predicate: dict[str, Any]


def gate_run_statement(report: dict[str, Any], not_before: datetime, not_after: datetime) -> bytes:
    """The statement with the whole report, a document of schema `gatekit-report/1`."""
    predicate = {
        **report,
        "digestAlgorithm": DIGEST_ALGORITHM,
        "notBefore": iso(not_before),
        "notAfter": iso(not_after),
    }
    return statement(GATE_RUN, report["model"], predicate)


def statement(predicate_type: str, model: dict[str, Any], predicate: dict[str, Any]) -> bytes:
    """A statement about the model of a report, as JSON in ASCII."""
    whole = {
        "_type": STATEMENT,
        "subject": [{"name": _subject_name(model), "digest": {"sha256": model["digest"]}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    return json.dumps(whole, allow_nan=False).encode()


def read_statement(payload: bytes, predicate_type: str) -> Statement:
    """The statement in a payload whose signature was checked.

    Raises:
        EnvelopeProblem: it is none, or of another predicate type, or says something twice.
    """
    try:
        whole = statement_fields(payload)
        found = whole["predicateType"]
        digests = tuple((str(each.get("name", "")), _sha256(each)) for each in whole["subject"])
        predicate = whole["predicate"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EnvelopeProblem(f"no in-toto statement ({type(error).__name__})") from error
    if found != predicate_type:
        raise EnvelopeProblem(f"its predicate is of another type than {predicate_type}")
    if not digests or not isinstance(predicate, dict):
        raise EnvelopeProblem("a statement without subject or predicate")
    return Statement(predicate_type, digests, predicate)


def statement_fields(payload: bytes) -> dict[str, Any]:
    """The fields of a statement of any predicate type, as they stand: the one reader of JSON here.

    Raises:
        EnvelopeProblem: it is none, or says something twice.
    """
    try:
        whole: dict[str, Any] = json.loads(
            payload, object_pairs_hook=_no_twins, parse_constant=_no_number
        )
        if whole["_type"] != STATEMENT:
            raise EnvelopeProblem(f"the payload is no {STATEMENT}")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EnvelopeProblem(f"no in-toto statement ({type(error).__name__})") from error
    return whole


def _subject_name(model: dict[str, Any]) -> str:
    version = f"/{model['version']}" if model.get("version") else ""
    return f"models:/{model['name']}{version}"


def _sha256(subject: dict[str, Any]) -> str:
    digest = subject["digest"]["sha256"]
    if not isinstance(digest, str) or re.fullmatch(r"[0-9a-f]{64}", digest) is None:
        raise ValueError("a digest is 64 small hexadecimal digits")
    return digest


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a key stands twice")
    return fields


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
