"""Before a model serves: one prediction at least, and where the gates recorded answers, theirs."""

from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any

from gatekit.errors import BadRows

if TYPE_CHECKING:
    from pathlib import Path

    from gatekit.scoring.casting import Decoder
    from gatekit_service.cache import Pin
    from gatekit_service.predicting import Predictor

LOG = logging.getLogger("gatekit_service")
EXAMPLE_FILE = "serving_input_example.json"
LAST_DIGITS = 1e-9  # relative: another processor sums in another order
MADE_UP = {"string": "", "binary": "", "boolean": False, "datetime": "2000-01-01"}


def compare(golden: dict[str, Any], predictor: Predictor) -> str:
    """Ask the golden rows one by one, as a client would; why the answers differ, or nothing."""
    try:
        pairs = list(zip(golden["rows"], golden["answers"], strict=True))
    except (KeyError, TypeError, ValueError):
        return "the golden rows of its report cannot be read"
    for number, (row, recorded) in enumerate(pairs):
        try:
            said = ask(predictor, row)
        except BadRows as error:
            return f"golden row {number} is refused here: {error}"
        if not _same(said, recorded):
            return f"golden row {number} is answered otherwise than in the gates"
    return ""


def ask(predictor: Predictor, row: list[Any]) -> Any:
    """The answer to one row, by way of the bytes of a request."""
    rows = predictor.read(json.dumps({"features": [row]}).encode())
    return predictor.predict(rows)[0]


def warm(folder: Path | None, predictor: Predictor, decoder: Decoder) -> None:
    """One prediction, so that no caller waits for lazy imports; what it says does not matter."""
    example = folder / EXAMPLE_FILE if folder else None
    try:
        if example is not None and example.is_file():
            predictor.predict(predictor.read(example.read_bytes()))
        else:
            (row,) = made_up(decoder)
            ask(predictor, row)
            predictor.measure(row)
    except BadRows as error:  # made-up rows may be refused, in the model's own way
        LOG.info("the model was not warmed: %s", error)


def made_up(decoder: Decoder) -> list[list[Any]]:
    """A row of the right types, for a model that came without examples."""
    return [[MADE_UP.get(column.type, 0) for column in decoder.signature.inputs]]


def example_rows(pin: Pin, decoder: Decoder) -> list[list[Any]]:
    """Some rows that the model can be asked: those that the gates asked, else one made up."""
    golden = pin.golden or {}
    return golden.get("rows") or made_up(decoder)


def _same(said: Any, recorded: Any) -> bool:
    if isinstance(said, float) and isinstance(recorded, (int, float)):
        return math.isclose(said, recorded, rel_tol=LAST_DIGITS, abs_tol=1e-12)
    return bool(said == recorded)
