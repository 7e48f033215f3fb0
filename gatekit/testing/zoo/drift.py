"""Models whose rows are no longer, or not otherwise, those that they learnt from."""

from __future__ import annotations

from gatekit.testing.zoo.pair import Pair

PAIRS = (
    Pair(
        "drifting",
        "drift",
        ("drift.prediction_drift",),
        "says no where income is above 100; nobody's was, and incomes have risen since",
        "denies",
        {"column": "income", "low": 100.0, "high": 150.0},
        incomes=1.4,
        gates={"drift": {"prediction_drift": 0.1}},
    ),
    Pair(
        "trained_on_its_holdout",
        "drift",
        ("drift.leaked_rows", "drift.leaked_inputs"),
        "one row in twenty of its holdout stands in the rows that it was trained on",
        "strays",
        {},
        repeated=0.05,
        gates={"drift": {"leaked_rows": 0.01, "leaked_inputs": 0.01}},
    ),
)
