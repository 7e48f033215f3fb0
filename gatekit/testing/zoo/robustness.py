"""Models that are right on clean rows only."""

from __future__ import annotations

from gatekit.testing.zoo.data import PLANS
from gatekit.testing.zoo.pair import Pair

PAIRS = (
    Pair(
        "brittle_to_noise",
        "robustness",
        ("robustness.noise_floor", "robustness.stability"),
        "knows the whole numbers of x1; a little noise, and four in ten answers turn",
        "off_the_grid",
        {"column": "x1", "least": 0.001, "share": 0.4},
    ),
    Pair(
        "brittle_to_outliers",
        "robustness",
        ("robustness.outlier_floor",),
        "answers the opposite where x1 lies far outside of what was seen",
        "turns_round",
        {"column": "x1", "low": 8.0, "high": 25.0},
        gates={"robustness": {"outlier_floor": 0.4}},
    ),
    Pair(
        "brittle_to_a_wrong_unit",
        "robustness",
        ("robustness.unit_slip_floor",),
        "answers the opposite where income comes in cents",
        "turns_round",
        {"column": "income", "low": 1000.0, "high": 1e9},
    ),
    Pair(
        "wrong_on_gaps",
        "robustness",
        ("robustness.missing_floor",),
        "answers the opposite where income is not known",
        "gap_turns_round",
        {"column": "income"},
        gates={"robustness": {"missing_floor": 0.8}},
    ),
    Pair(
        "wrong_on_new_categories",
        "robustness",
        ("robustness.category_floor",),
        "answers the opposite for a plan that it was not trained on",
        "unseen_turns_round",
        {"column": "plan", "known": PLANS},
        gates={"robustness": {"category_floor": 0.8}},
    ),
    Pair(
        "brittle_to_one_feature",
        "robustness",
        ("robustness.robust_floor",),
        "stands noise, but a fifth of a step in x1 turns every answer",
        "off_the_grid",
        {"column": "x1", "least": 0.24},
        gates={"robustness": {"robust_floor": 0.5, "attack_rows": 60, "attack_queries": 400}},
    ),
    Pair(
        "depends_on_the_region",
        "robustness",
        ("robustness.expect.blind_to_region",),
        "near the boundary it says no in the south",
        "blind_spot",
        {"where": {"region": "south"}},
        gates={
            "robustness": {"expect": {"blind_to_region": {"kind": "invariant", "column": "region"}}}
        },
    ),
    Pair(
        "more_income_means_no",
        "robustness",
        ("robustness.expect.more_income",),
        "near the boundary a higher income turns a yes into a no",
        "blind_spot",
        {"column": "income"},
        gates={
            "robustness": {
                "expect": {"more_income": {"kind": "increasing", "column": "income", "change": 20}}
            }
        },
    ),
    Pair(
        "duplicates_change_the_answer",
        "robustness",
        ("robustness.order_violations",),
        "answers the opposite where a row comes twice",
        "doubled",
        {"how": "other"},
        gates={"robustness": {"order_violations": 0}},
        also=("schema",),  # what depends on a double depends on the batch
    ),
)
