"""Models that treat groups otherwise than they seem to."""

from __future__ import annotations

from gatekit.testing.zoo.pair import Pair

PAIRS = (
    Pair(
        "unfair_to_one_intersection",
        "fairness",
        ("fairness.equal_opportunity_difference",),
        "overlooks positive women in the north; no column shows it alone",
        "strays",
        {"where": {"sex": "f", "region": "north"}, "of": 1, "share": 0.5, "wrong": 0.01},
        gates={"fairness": {"equal_opportunity_difference": 0.35}},
    ),
    Pair(
        "unequal_behind_equal_rates",
        "fairness",
        ("fairness.equal_opportunity_difference",),
        "selects men and women equally often, women at random in a quarter of cases",
        "strays",
        {"where": {"sex": "f"}, "share": 0.22, "wrong": 0.01},
        sensitive=("sex",),
        gates={
            "fairness": {
                "demographic_parity_difference": 0.12,
                "equal_opportunity_difference": 0.12,
            }
        },
    ),
    Pair(
        "four_fifths_in_a_small_group",
        "fairness",
        ("fairness.selection_rate_ratio",),
        "one row in eight belongs to a group that is selected half as often",
        "strays",
        {"where": {"origin": "rare"}, "of": 1, "share": 0.6, "wrong": 0.01},
        sensitive=("origin",),
        gates={"fairness": {"selection_rate_ratio": 0.8, "equal_opportunity_difference": 0.9}},
    ),
    Pair(
        "selects_women_wrongly",
        "fairness",
        ("fairness.predictive_parity_difference",),
        "of the women it selects one in five does not belong there",
        "strays",
        {"where": {"sex": "f"}, "of": 0, "share": 0.25, "wrong": 0.01},
        sensitive=("sex",),
        gates={"fairness": {"predictive_parity_difference": 0.1}},
    ),
)
