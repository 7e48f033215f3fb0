"""From one block of a sample, and what the model said of it if it was asked, to evidence."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from gatekit.evidence.spread import Spread
from gatekit.evidence.whole import Evidence
from gatekit.streaming.question import CANDIDATE, Answers, Said
from gatekit.streaming.spread import SampleQuestion, Sought, spread


def fill_sample(question: SampleQuestion, table: pa.Table, answers: Answers) -> Evidence:
    """The evidence of one block of a reference or a current sample; raises as `spread`."""
    seen = question.wanted.look(table) if question.wanted else {}
    return Evidence.of_sample(table.num_rows, spread_said(question.sought, table, answers), seen)


def spread_said(sought: Sought, table: pa.Table, answers: Answers) -> dict[str, Spread]:
    """How the rows of one block, and the candidate's word on them, are spread."""
    return spread(sought, table, word(sought, answers[CANDIDATE]) if sought.asks_model else None)


def word(sought: Sought, said: Said) -> NDArray[Any] | None:
    """What of a model's answers is compared: its scores, or its labels and numbers; (n,)."""
    return said.scores if sought.by_score else said.labels
