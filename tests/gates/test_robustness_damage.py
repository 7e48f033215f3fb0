"""Damaged columns, one at a time; the worst case speaks for all."""

import math

import numpy as np
import pyarrow as pa
import pytest

from gatekit.errors import ModelMisbehaved
from gatekit.gates import damage, robustness_damage
from gatekit.policy_gates import RobustnessGate
from gatekit.scoring.signature import Column, Signature

ROWS = 400
COLUMNS = {"x": "double", "y": "double", "c": "string", "n": "long"}


@pytest.fixture
def holdout(make_holdout):
    random = np.random.default_rng(1)
    x = random.normal(5, 2, ROWS)
    return make_holdout(
        pa.table(
            {
                "x": x,
                "y": random.normal(size=ROWS),
                "c": random.choice(["u", "v", "w"], ROWS),
                "n": random.integers(0, 9, ROWS),
                "label": (x > 5).astype(int),
            }
        )
    )


def above(table):
    return (np.nan_to_num(table["x"].to_numpy(zero_copy_only=False)) > 5).astype(int)


def never(table):
    return np.zeros(table.num_rows, dtype=int)


def settings(ask, **keys):
    return ask(RobustnessGate(**keys))


def test_outliers_and_units_move_one_quantity_at_a_time(holdout, fake):
    signature = fake(above, COLUMNS).candidate.signature
    table = holdout.features(signature)
    for how, cases in ((damage.outlying, 4), (damage.slipped, 6)):
        made = list(how(table, signature, np.random.default_rng(0)))
        assert len(made) == cases
        for name, damaged in made:
            changed = [c for c in COLUMNS if not damaged[c].equals(table[c])]
            assert changed == [name.split()[0]]
    slips = dict(damage.slipped(table, signature, np.random.default_rng(0)))
    assert slips["x x 1000"]["x"].to_numpy() == pytest.approx(table["x"].to_numpy() * 1000)
    far = dict(damage.outlying(table, signature, np.random.default_rng(0)))
    assert far["x far up"]["x"].to_numpy().min() > table["x"].to_numpy().max()
    assert far["x far down"]["x"].to_numpy().max() < table["x"].to_numpy().min()


def test_swapped_is_always_another_seen_value_and_unseen_never_seen(holdout, fake):
    signature = fake(above, COLUMNS).candidate.signature
    table = holdout.features(signature)
    made = dict(damage.recategorised(table, signature, np.random.default_rng(0)))
    assert set(made) == {"c swapped", "c unseen"}
    was, now = table["c"].to_pylist(), made["c swapped"]["c"].to_pylist()
    assert all(a != b and b in "uvw" for a, b in zip(was, now, strict=True))
    assert not set(made["c unseen"]["c"].to_pylist()) & set("uvw")


def test_the_worst_column_speaks_for_all(holdout, fake, ask):
    measured = robustness_damage.accuracy_with_unit_slips(
        fake(above, COLUMNS), holdout, ask=settings(ask)
    )
    x, y = holdout.table["x"].to_numpy(), holdout.y
    worst = min(np.mean((x * f > 5) == y) for f in damage.SLIPS)
    assert measured.value == pytest.approx(worst)
    assert measured.low < measured.value < measured.high
    assert measured.detail[0].startswith("x x ")
    assert measured.detail[-1].startswith("y x ")
    assert "unchanged labels 1.000" in measured.detail[-1]


def test_only_what_may_be_empty_is_emptied(holdout, fake, ask):
    subject = fake(above, COLUMNS)
    none = robustness_damage.accuracy_with_missing(subject, holdout, ask=settings(ask))
    assert math.isnan(none.value)
    assert "no column" in none.detail[0]
    subject.candidate.signature = Signature(
        (
            Column("x", "double", required=False),
            Column("n", "long", required=False),
            Column("y", "double"),
        )
    )
    subject.asked.clear()
    some = robustness_damage.accuracy_with_missing(subject, holdout, ask=settings(ask))
    assert some.value == np.mean(holdout.y == 0)
    assert [t["x"].null_count for t in subject.asked] == [0, ROWS]


def test_a_refused_case_counts_as_wrong(holdout, fake, ask):
    def strict(table):
        if damage.NEVER_SEEN in table["c"].to_pylist():
            raise ModelMisbehaved("the candidate raised ValueError while predicting")
        return above(table)

    measured = robustness_damage.accuracy_with_other_categories(
        fake(strict, COLUMNS), holdout, ask=settings(ask)
    )
    assert measured.value == 0
    assert "c unseen: refused, counted as wrong" in measured.detail[0]


def test_cases_are_asked_together_and_a_refusal_is_still_of_one(holdout, fake, ask, monkeypatch):
    wanted, fewest = settings(ask), settings(ask)

    def measured(subject, asked):
        return robustness_damage.accuracy_with_unit_slips(subject, holdout, ask=asked)

    together = fake(above, COLUMNS)
    found = measured(together, wanted)
    assert [t.num_rows for t in together.asked] == [ROWS, 6 * ROWS]
    monkeypatch.setattr(robustness_damage, "AT_ONCE", ROWS)
    apart = fake(above, COLUMNS)
    assert measured(apart, fewest) == found
    assert [t.num_rows for t in apart.asked] == [ROWS] * 7

    def strict(table):
        if table["x"].to_numpy().max() > 500:
            raise ModelMisbehaved("the candidate raised ValueError while predicting")
        return above(table)

    monkeypatch.undo()
    refused = measured(fake(strict, COLUMNS), wanted)
    assert refused.value == 0
    assert sum("refused" in line for line in refused.detail) == 2  # x 1000 and x 100
    assert {line for line in found.detail if line.startswith("y ")} <= set(refused.detail)


def test_no_more_rows_than_the_policy_says(holdout, fake, ask):
    measured = robustness_damage.accuracy_with_outliers(
        fake(above, COLUMNS), holdout, ask=settings(ask, corrupted_rows=50)
    )
    assert measured.n == 50


def test_order_that_matters_is_counted(holdout, fake, ask):
    def by_neighbour(table):
        x = table["x"].to_numpy()
        return (x > np.concatenate(([0.0], x[:-1]))).astype(int)

    sound = robustness_damage.rearranged(fake(above, COLUMNS), holdout, ask=settings(ask))
    assert (sound.value, sound.low, sound.high) == (0, 0, 0)
    broken = robustness_damage.rearranged(fake(by_neighbour, COLUMNS), holdout, ask=settings(ask))
    assert broken.value > 50
    by_place = fake(
        lambda t: (t.column(0).to_numpy(zero_copy_only=False) > 5).astype(int),
        {"x": "double", "y": "double"},
    )
    assert robustness_damage.rearranged(by_place, holdout, ask=settings(ask)).value > 50
