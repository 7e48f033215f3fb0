"""Losses and errors against scikit-learn; bounds on means, RMSE, R2 and bias by simulation."""

import math

import numpy as np
import pytest
from sklearn import metrics

from gatekit.stats import mean, regression
from gatekit.stats.mean import Moments

REPLICATES = 2000
LEVEL = 0.95
LEAST = LEVEL - 3 * math.sqrt(LEVEL * (1 - LEVEL) / REPLICATES)


def some(seed=1, n=500):
    random = np.random.default_rng(seed)
    y = random.normal(5, 3, n)
    return y, y + random.normal(0.2, 1, n)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_values_are_scikit_learns(seed):
    y, said = some(seed)
    near = {"abs": 1e-12}
    assert regression.of_mean(np.abs(said - y), LEVEL)[0] == pytest.approx(
        metrics.mean_absolute_error(y, said), **near
    )
    found = regression.root_mean_square(y, said, LEVEL)
    assert found[0] == pytest.approx(metrics.root_mean_squared_error(y, said), **near)
    assert found[1] < found[0] < found[2]
    assert regression.determination(y, said, LEVEL)[0] == pytest.approx(
        metrics.r2_score(y, said), **near
    )
    loss = regression.of_mean(regression.pinball(y, said, 0.9), LEVEL)[0]
    assert loss == pytest.approx(metrics.mean_pinball_loss(y, said, alpha=0.9), **near)
    assert regression.size_of_bias(y, said, LEVEL)[0] == pytest.approx(
        abs((said - y).mean()), **near
    )


def test_one_value_more_is_the_moments_of_all():
    values = np.random.default_rng(2).exponential(size=60)
    added, whole = Moments.of(values).with_one(9.0), Moments.of(np.append(values, 9.0))
    for name in Moments.__slots__:
        assert getattr(added, name) == pytest.approx(getattr(whole, name), abs=1e-12)


def test_where_nothing_is_known_bounds_are_infinite():
    y, said = some(n=49)
    for found in (
        regression.root_mean_square(y, said, LEVEL),
        regression.determination(y, said, LEVEL),
        regression.size_of_bias(y, said, LEVEL),
        regression.mean_fall(np.abs(y), np.abs(said), LEVEL),
    ):
        assert math.isinf(found[1])
        assert math.isinf(found[2])
    assert mean.bounds(Moments.of(np.ones(500)), LEVEL) == (-math.inf, math.inf)
    assert math.isnan(regression.determination(np.ones(60), np.zeros(60), LEVEL)[0])


def test_a_point_decision_has_no_interval():
    y, said = some()
    for found in (
        regression.root_mean_square(y, said, 0.5),
        regression.determination(y, said, 0.5),
        regression.size_of_bias(y, said, 0.5),
        regression.root_rise(said - y, y, 0.5),
    ):
        assert found[0] == found[1] == found[2]


def test_two_models_that_never_differ_may_still():
    losses = np.abs(some()[0])
    value, low, high = regression.mean_fall(losses, losses, LEVEL)
    reach = losses.max() * (1 - 0.05 ** (1 / 500))
    assert (value, low, high) == (0, pytest.approx(-reach), pytest.approx(reach))


def log_losses(random, n, shape):
    p = random.beta(*shape, n)
    return -np.log(np.where(random.random(n) < p, p, 1 - p))


LOSSES = {
    "log loss": lambda random, n: log_losses(random, n, (1, 1)),
    "log loss of rare labels": lambda random, n: log_losses(random, n, (0.3, 3)),
    "absolute": lambda random, n: np.abs(random.normal(size=n)),
    "squared": lambda random, n: random.normal(size=n) ** 2,
    "exponential": lambda random, n: random.exponential(size=n),
}


@pytest.mark.parametrize("rows", [50, 400])
@pytest.mark.parametrize("draw", LOSSES.values(), ids=LOSSES)
def test_bounds_on_a_mean_hold(draw, rows):
    random = np.random.default_rng(3)
    true = draw(random, 4_000_000).mean()
    held = np.zeros(2)
    for _ in range(REPLICATES):
        low, high = mean.bounds(Moments.of(draw(random, rows)), LEVEL)
        held += low <= true, high >= true
    assert (held / REPLICATES >= LEAST).all(), held / REPLICATES


def covered(rows, true, measured, seed=4):
    random = np.random.default_rng(seed)
    held = np.zeros(2)
    for _ in range(REPLICATES):
        _, low, high = measured(random, rows)
        held += low <= true, high >= true
    return held / REPLICATES


@pytest.mark.parametrize("rows", [50, 400])
@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
def test_bounds_on_r2_and_rmse_hold(rows, noise):
    def drawn(random, n):
        said = random.normal(size=n)
        return said + noise * random.normal(size=n), said

    r2 = covered(
        rows,
        1 - noise**2 / (1 + noise**2),
        lambda r, n: regression.determination(*drawn(r, n), LEVEL),
    )
    rmse = covered(rows, noise, lambda r, n: regression.root_mean_square(*drawn(r, n), LEVEL))
    assert (r2 >= LEAST).all(), r2
    assert (rmse >= LEAST).all(), rmse


@pytest.mark.parametrize("shift", [0.0, 0.05, 1.0])
def test_bounds_on_the_size_of_a_bias_hold(shift):
    def measured(random, n):
        y = random.normal(size=n)
        return regression.size_of_bias(y, y + shift + random.normal(size=n), LEVEL)

    found = covered(100, shift, measured)
    assert (found >= LEAST).all(), found


@pytest.mark.parametrize("rows", [50, 400])
def test_paired_bounds_hold(rows):
    def errors(random, n):
        shared = random.normal(size=n)
        return shared + 0.3 * random.normal(size=n), shared + 0.8 * random.normal(size=n)

    random = np.random.default_rng(5)
    new, old = errors(random, 4_000_000)
    fall = np.abs(old).mean() - np.abs(new).mean()
    mae = covered(
        rows, fall, lambda r, n: regression.mean_fall(*(np.abs(e) for e in errors(r, n)), LEVEL)
    )
    rise = math.sqrt(1 + 0.09) - math.sqrt(1 + 0.64)
    rmse = covered(rows, rise, lambda r, n: regression.root_rise(*errors(r, n), LEVEL))
    assert (mae >= LEAST).all(), mae
    assert (rmse >= LEAST).all(), rmse
