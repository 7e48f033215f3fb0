"""Models that break the promise of their signature."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from gatekit.testing.zoo.data import PLANS
from gatekit.testing.zoo.pair import Pair

KEY = ("schema.violations",)


def _example(*, complete: bool) -> Callable[[Path], None]:
    words = {"plan": "pro", "sex": "f", "region": "north", "origin": "rare"}
    row = {"x0": 0.5, "x1": 1, "age": 40 if complete else 40.5, **words}

    def write(folder: Path) -> None:
        body = json.dumps({"dataframe_records": [row]})
        (folder / "serving_input_example.json").write_text(body, encoding="utf-8")

    return write


PAIRS = (
    Pair(
        "depends_on_the_batch",
        "schema",
        KEY,
        "compares each row with the mean of its batch",
        "neighbours",
        {"how": "mean"},
    ),
    Pair(
        "depends_on_the_order",
        "schema",
        KEY,
        "remembers a large x0 of the row before",
        "neighbours",
        {"how": "before"},
    ),
    Pair(
        "wrong_in_batches_of_a_dozen",
        "schema",
        KEY,
        "is right on one row and in one large batch, and goes wrong in those of 7 to 50 rows",
        "neighbours",
        {"how": "few"},
    ),
    Pair(
        "loses_the_last_row",
        "schema",
        KEY,
        "turns the last answer of a batch of more than 1,000 rows",
        "neighbours",
        {"how": "many"},
    ),
    Pair(
        "fills_gaps_from_its_batch",
        "schema",
        KEY,
        "takes the mean of its batch for an income that is not known; the holdout knows them all",
        "fills_gaps",
        {"column": "income", "of_batch": True},
        {"column": "income"},
    ),
    Pair(
        "writes_into_its_rows",
        "schema",
        KEY,
        "sets x1 to zero in the frame it was handed",
        "writes",
        {"column": "x1", "takes_arrow": False},
        {"takes_arrow": False},
    ),
    Pair(
        "nan_on_an_unseen_category",
        "schema",
        KEY,
        "gives NaN for a plan that it was not trained on",
        "unseen_is_nan",
        {"column": "plan", "known": PLANS},
        gates={"schema": {"unseen": "answer"}},
    ),
    Pair(
        "another_answer_each_time",
        "schema",
        KEY,
        "draws one answer in five anew",
        "restless",
        {"share": 0.2},
        gates={"accuracy": {"floor": 0.7}, "robustness": {"noise_floor": 0.6, "stability": 0.6}},
        also=("parity",),  # two engines are two calls
    ),
    Pair(
        "crashes_on_one_row",
        "schema",
        KEY,
        "divides by income, and the signature allows 0",
        "divides",
        {"column": "income"},
    ),
    Pair(
        "dies_on_one_row",
        "schema",
        KEY,
        "ends its process for an income that nobody in the holdout has",
        "dies",
        {"column": "income", "above": 110.0},
        needs_process=True,
        also=("robustness", "parity"),  # a model that died four times is not asked again
    ),
    Pair(
        "too_few_answers",
        "schema",
        KEY,
        "answers a row that comes twice once only",
        "doubled",
        {"how": "once"},
        also=("robustness",),  # which asks about doubled rows, too
    ),
    Pair(
        "refuses_gaps",
        "schema",
        KEY,
        "raises an error where income is empty, and the policy says answer",
        "refuses_gaps",
        {"column": "income"},
        gates={"schema": {"null": "answer"}},
    ),
    Pair(
        "reads_columns_by_place",
        "schema",
        KEY,
        "takes the second column for x0, which it is not once income is left out",
        "by_place",
        {"place": 1},
    ),
    Pair(
        "example_out_of_date",
        "schema",
        KEY,
        "was saved with an example that its signature refuses",
        "strays",
        {},
        files=(_example(complete=False), _example(complete=True)),
    ),
    Pair(
        "words_for_numbers",
        "schema",
        KEY,
        'answers "0" and "1" where its signature says whole numbers',
        "relabelled",
        {"words": True},
    ),
    Pair(
        "a_label_of_its_own",
        "schema",
        KEY,
        "answers 2 for people of 33, and rows are 0 or 1",
        "relabelled",
        {"unknown_age": 33},
    ),
    Pair(
        "scores_beyond_one",
        "schema",
        KEY,
        "its scores of the positive class reach 1.3",
        "odds",
        {"factor": 1.3},
        truth="odds",
        score="predict_proba",
        gates={"accuracy": {"floor": 0.7, "auc": 0.8}},
    ),
    Pair(
        "probabilities_that_do_not_sum",
        "schema",
        KEY,
        "the three probabilities of a row sum to 0.9",
        "third_odds",
        {"total": 0.9},
        truth="thirds",
        score="predict_proba",
        gates={"accuracy": {"floor": 0.6}},
    ),
)
