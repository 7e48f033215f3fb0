"""Is the example that was saved with the model one that a service of it would answer?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gatekit.data import Holdout
from gatekit.errors import BadRows, ModelMisbehaved
from gatekit.estimate import Estimate, exact
from gatekit.gate import Ask, measure
from gatekit.gates.promises import unlike
from gatekit.scoring.casting import Decoder, to_rows
from gatekit.subject import Subject

EXAMPLE = "serving_input_example.json"  # as MLflow writes it: the body of a request
LARGEST_BYTES = 16 * 2**20


@measure
def example(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:  # noqa: ARG001 - a measure's shape
    """Whether the saved input example fails: as a request, on its way back, or at the model."""
    name, file = "broken input examples", candidate.candidate.folder / EXAMPLE
    if not file.is_file():
        return exact(name, 0, n=0, method="no input example was saved with the model")
    words = _wrong(candidate, file)
    method = f"{EXAMPLE}, decoded as the service does, and answered"
    return exact(name, bool(words), n=1, method=method, detail=(words,) if words else ())


def _wrong(candidate: Subject, file: Path) -> str:
    payload = _read(file)
    if isinstance(payload, str):
        return payload
    signature = candidate.candidate.signature
    decoder = Decoder.of(signature)
    try:
        table = decoder.decode(payload)
        split = {"columns": table.column_names, "data": to_rows(table)}
        back = decoder.decode({"dataframe_split": split})
    except BadRows as error:
        return f"a service would refuse it: {error.message}"
    if not back.equals(table):
        return "it does not come back the same from JSON"
    try:
        return unlike(candidate.said(table), candidate.said(back), "first", "again")
    except ModelMisbehaved as error:
        if not candidate.is_alive:
            raise
        return error.message


def _read(file: Path) -> Any:
    """The payload; where there is none, a sentence."""
    if file.stat().st_size > LARGEST_BYTES:
        return f"it is larger than {LARGEST_BYTES // 2**20} MB"
    try:
        payload = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return "it is no JSON"
    return payload if isinstance(payload, dict) else "it is no JSON object"
