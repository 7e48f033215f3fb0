"""Noise: only on quantities, the same every time, as wide as the policy says."""

import numpy as np
import pyarrow as pa
import pytest

from gatekit.errors import DataError
from gatekit.gates import robustness
from gatekit.policy_gates import RobustnessGate

COLUMNS = {"x0": "double", "f": "float", "n": "long", "i": "integer", "c": "string", "b": "boolean"}
ROWS = 2000


@pytest.fixture
def holdout(make_holdout):
    random = np.random.default_rng(3)
    x = random.normal(10.0, 4.0, ROWS)
    return make_holdout(
        pa.table(
            {
                "x0": x,
                "f": random.normal(size=ROWS).astype(np.float32),
                "n": random.integers(0, 9, ROWS),
                "i": random.integers(0, 9, ROWS).astype(np.int32),
                "c": random.choice(["u", "v"], ROWS),
                "b": random.random(ROWS) < 0.5,
                "label": (x > 10).astype(int),
            }
        )
    )


def above(table):
    return (table["x0"].to_numpy() > 10).astype(int)


def settings(ask, spread=0.1):
    return ask(RobustnessGate(spread=spread))


def test_only_quantities_are_disturbed(holdout, fake, ask):
    subject = fake(above, COLUMNS)
    plain = holdout.features(subject.candidate.signature)
    noisy = robustness.noisy(subject, holdout, settings(ask))
    assert noisy.schema == plain.schema
    for name in COLUMNS:
        assert noisy[name].equals(plain[name]) is (name not in ("x0", "f")), name


@pytest.mark.parametrize("spread", [0.05, 0.1, 0.4])
def test_the_spread_is_a_share_of_the_columns_own(holdout, fake, ask, spread):
    noisy = robustness.noisy(fake(above, COLUMNS), holdout, settings(ask, spread))
    for name in ("x0", "f"):
        plain = holdout.table[name].to_numpy().astype(float)
        moved = noisy[name].to_numpy().astype(float) - plain
        assert np.std(moved) == pytest.approx(spread * np.std(plain), rel=0.06)
        assert abs(np.mean(moved)) < 4 * np.std(moved) / np.sqrt(ROWS)


def test_the_same_noise_every_time_and_for_both_questions(holdout, fake, ask):
    subject = fake(above, COLUMNS)
    first = robustness.accuracy_under_noise(subject, holdout, ask=settings(ask))
    noise = subject.asked[-1]
    again = robustness.accuracy_under_noise(subject, holdout, ask=settings(ask))
    robustness.stability(subject, holdout, ask=settings(ask))
    assert first == again
    assert [noise.equals(table) for table in subject.asked] == [True, True, True, False]


def test_the_values_are_those_of_the_noisy_rows(holdout, fake, ask):
    subject = fake(above, COLUMNS)
    noisy = above(robustness.noisy(subject, holdout, settings(ask, 0.5)))
    kept = robustness.accuracy_under_noise(subject, holdout, ask=settings(ask, 0.5))
    steady = robustness.stability(subject, holdout, ask=settings(ask, 0.5))
    assert kept.value == np.mean(noisy == holdout.y)
    assert steady.value == kept.value < 1  # this model is right on every plain row
    calm = robustness.stability(fake(lambda t: [1] * len(t), COLUMNS), holdout, ask=settings(ask))
    assert calm.value == 1.0
    assert "0.5 standard deviations" in kept.detail[0]


def test_more_noise_moves_more(holdout, fake, ask):
    values = [
        robustness.stability(fake(above, COLUMNS), holdout, ask=settings(ask, spread)).value
        for spread in (0.05, 0.2, 0.8)
    ]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 3


def test_a_gap_in_a_quantity_stays_a_gap(make_holdout, fake, ask):
    table = pa.table({"x0": [1.0, None, 3.0, 4.0], "label": [0, 1, 0, 1]})
    noisy = robustness.noisy(fake(above), make_holdout(table), settings(ask))
    said = noisy["x0"].to_numpy(zero_copy_only=False)
    assert np.isnan(said[1])
    assert np.isfinite(said[[0, 2, 3]]).all()


def test_a_quantity_that_the_file_holds_as_whole_numbers(make_holdout, fake, ask):
    """A CSV with 3 for 3.0 is the usual case: the model's signature says what is a quantity."""
    table = pa.table({"x0": [1, 12, 3, 40], "label": [0, 1, 0, 1]})
    subject, holdout = fake(above), make_holdout(table)
    noisy = robustness.noisy(subject, holdout, settings(ask))
    assert not np.allclose(noisy["x0"].to_numpy(), [1, 12, 3, 40])
    assert robustness.accuracy_under_noise(subject, holdout, ask=settings(ask)).n == 4


def test_nothing_to_disturb_is_an_error(make_holdout, fake, ask):
    table = pa.table({"n": [1, 2], "label": [0, 1]})
    with pytest.raises(DataError, match="no double or float column"):
        robustness.stability(fake(above, {"n": "long"}), make_holdout(table), ask=settings(ask))
