"""Golden rows: a few rows with the candidate's own answers, so that a service can check itself.

They come from the example that the model was saved with, and from its signature by a fixed seed,
never from the holdout: whoever reads a report or serves a model need not see people's data.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gatekit.errors import BadRows, DataError, GatekitError, ModelMisbehaved
from gatekit.scoring.casting import Decoder, to_rows
from gatekit.scoring.signature import Column, Signature
from gatekit.subject import Subject

EXAMPLE_FILE = "serving_input_example.json"  # MLflow's name for what a server may be sent
FROM_EXAMPLE, DRAWN = 4, 8
SEED = 20261125
LARGEST = 100  # whole numbers are drawn from 0 up to here
WORDS = ("", "a", "no", "yes")  # where the example gives no words of the column


def golden(subject: Subject) -> dict[str, Any]:
    """Rows in the order of the signature and what the serving engine answered, as plain JSON.

    A row that the model refuses is left out. `{"none": why}` where no row is left.
    """
    kept: list[list[Any]] = []
    answers: list[Any] = []
    decoder = Decoder.of(subject.candidate.signature)
    why = "the model refused every row that was made for it"
    for row in made_rows(subject.candidate.folder, decoder):
        try:
            said = subject.serving_answers(decoder.decode({"features": [row]}))
        except (ModelMisbehaved, DataError) as error:
            why = error.message
            if not subject.is_alive:
                break
            continue
        except GatekitError as error:
            return {"none": error.message}
        value = said[0].item() if isinstance(said[0], np.generic) else said[0]
        if not isinstance(value, float) or math.isfinite(value):
            kept.append(row)
            answers.append(value)
    if not kept:
        return {"none": why}
    return {"seed": SEED, "rows": kept, "answers": answers}


def made_rows(folder: Path, decoder: Decoder) -> list[list[Any]]:
    """The first rows of the model's own example, then drawn ones, as JSON values."""
    example = _example(folder, decoder)
    dice = np.random.default_rng(SEED)
    drawn = [
        [_cell(column, [row[at] for row in example], dice) for at, column in _columns(decoder)]
        for _ in range(DRAWN)
    ]
    return [*example[:FROM_EXAMPLE], *drawn]


def _columns(decoder: Decoder) -> Sequence[tuple[int, Column]]:
    signature: Signature = decoder.signature
    return tuple(enumerate(signature.inputs))


def _example(folder: Path, decoder: Decoder) -> list[list[Any]]:
    try:
        text = (folder / EXAMPLE_FILE).read_text(encoding="utf-8")
        table = decoder.decode(json.loads(text))
    except (OSError, ValueError, RecursionError, BadRows):
        return []  # most models are saved without one
    if table.num_columns < len(decoder.fields):
        return []
    return to_rows(table)


def _cell(column: Column, seen: Sequence[Any], dice: np.random.Generator) -> Any:
    known = [cell for cell in seen if cell is not None]
    if column.type == "boolean":
        return bool(dice.integers(2))
    if column.type in ("integer", "long"):
        return int(dice.integers(LARGEST))
    if column.type in ("double", "float"):
        # around what the example holds; short decimals, which both widths keep alike
        middle = float(np.mean(known)) if known else 0.0
        return round(float(dice.normal(middle, abs(middle) / 2 + 1)), 3)
    if known:
        return known[int(dice.integers(len(known)))]
    if column.type == "datetime":
        return f"2020-01-{1 + int(dice.integers(28)):02}"
    return "" if column.type == "binary" else WORDS[int(dice.integers(len(WORDS)))]
