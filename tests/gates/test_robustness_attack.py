"""The attack through a subject: types of the signature, rules of the policy, pairs with a champion."""

import math

import numpy as np
import pyarrow as pa
import pytest

from gatekit.errors import DataError
from gatekit.gates import robustness_attack
from gatekit.policy_gates import ColumnRule, RobustnessGate
from gatekit.subject import NoChampion

COLUMNS = {"x": "double", "f": "float", "n": "long", "c": "string", "b": "boolean", "d": "datetime"}
ROWS = 300


@pytest.fixture
def holdout(make_holdout):
    random = np.random.default_rng(4)
    x = random.normal(0, 3, ROWS)
    day = np.datetime64("2026-01-01", "ns")
    columns = {
        "x": x,
        "f": random.normal(size=ROWS).astype(np.float32),
        "n": random.integers(0, 30, ROWS),
        "c": random.choice(["u", "v", "w"], ROWS),
        "b": random.random(ROWS) < 0.5,
        "d": np.repeat(day, ROWS),
    }
    return make_holdout(pa.table({**columns, "label": (x > 0).astype(int)}))


def rising(table):
    return (table["x"].to_numpy() > 0).astype(int)


def by_word(table):
    return np.array([int(c == "u") for c in table["c"].to_pylist()])


def settings(ask, **keys):
    keys = {"robust_floor": 0.5, "attack_rows": 60, "attack_queries": 300, **keys}
    return ask(RobustnessGate(**keys))


def test_of_one_column_the_distance_is_known(holdout, fake, ask):
    asked = settings(ask, epsilon=0.25)
    subject = fake(rising, COLUMNS)
    done = robustness_attack.attacked(subject, holdout, asked)
    shuffled = np.random.default_rng(robustness_attack.SEED).permutation(ROWS)
    x = holdout.table["x"].to_numpy()[np.sort(shuffled[:60])]
    exact = np.abs(x) / holdout.table["x"].to_numpy().std()
    assert (done.distance / exact).max() < 1.05
    assert (done.distance / exact).min() >= 1 - 1e-9
    robust = robustness_attack.robust_accuracy(subject, holdout, ask=asked)
    assert robust.value == np.mean(done.distance > 0.25)
    assert robust.low < robust.value < robust.high
    assert any("not a proof" in line for line in robust.detail)
    median = robustness_attack.median_distance(subject, holdout, ask=asked)
    assert median.low < median.value < median.high
    assert median.value == pytest.approx(np.sort(done.distance)[29])


def test_every_row_asked_is_of_the_signatures_types_and_the_rules_hold(holdout, fake, ask):
    subject = fake(lambda t: rising(t) ^ by_word(t), COLUMNS)
    rules = {"x": ColumnRule(immutable=True), "n": ColumnRule(min=3, max=9)}
    robustness_attack.attacked(subject, holdout, settings(ask, columns=rules))
    seen = set(holdout.table["x"].to_pylist())
    for table in subject.asked[1:]:
        assert table.schema.field("f").type == pa.float32()
        assert table.schema.field("n").type == pa.int64()
        assert set(table["x"].to_pylist()) <= seen
        assert set(table["c"].to_pylist()) <= {"u", "v", "w"}
        assert len(table["d"].unique()) == 1


def test_a_changed_word_counts_its_cost(holdout, fake, ask):
    rules = {"c": ColumnRule(cost=0.7)}
    done = robustness_attack.attacked(fake(by_word, COLUMNS), holdout, settings(ask, columns=rules))
    assert done.distance == pytest.approx(0.7)


def test_what_cannot_be_changed_counts_as_far(holdout, fake, ask):
    asked = settings(ask, columns={"x": ColumnRule(immutable=True)})
    subject = fake(rising, COLUMNS)
    assert robustness_attack.robust_accuracy(subject, holdout, ask=asked).value == 1.0
    median = robustness_attack.median_distance(subject, holdout, ask=asked)
    assert median.value == robustness_attack.FARTHEST
    assert "no move was found for 60 rows" in median.detail[0]


def test_the_champion_is_attacked_on_the_same_rows(holdout, fake, ask):
    brittle = fake(lambda t: rising(t) ^ (t["f"].to_numpy() > 0), COLUMNS)
    sound, asked = fake(rising, COLUMNS), settings(ask)
    assert (
        robustness_attack.distance_gain(sound, fake(rising, COLUMNS), holdout, ask=asked).value == 0
    )
    loss = robustness_attack.distance_gain(brittle, sound, holdout, ask=asked)
    assert loss.low < 0
    nobody = robustness_attack.distance_gain(sound, NoChampion("none"), holdout, ask=asked)
    assert nobody.method == "no champion"


def test_without_a_bar_no_attack_is_run(holdout, fake, ask):
    subject = fake(rising, COLUMNS)
    estimate = robustness_attack.robust_accuracy(subject, holdout, ask=ask(RobustnessGate()))
    assert math.isnan(estimate.value)
    assert subject.asked == []


@pytest.mark.parametrize(
    ("name", "rule", "words"),
    [
        ("zz", ColumnRule(), "which the model does not take"),
        ("c", ColumnRule(min=1), "is a category"),
        ("x", ColumnRule(min=1, max=-1), "there is nothing"),
    ],
)
def test_a_rule_that_cannot_be_is_said(holdout, fake, ask, name, rule, words):
    with pytest.raises(DataError, match=words):
        robustness_attack.attacked(
            fake(rising, COLUMNS), holdout, settings(ask, columns={name: rule})
        )
