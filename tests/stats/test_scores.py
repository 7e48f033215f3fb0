"""Ranking and calibration against scikit-learn and MLstatkit; bounds by simulation."""

import math

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)

from gatekit.evidence.scores import score_table
from gatekit.stats import auc, average_precision, calibration, mean, probabilities

REPLICATES = 2000
LEVEL = 0.95
LEAST = LEVEL - 3 * math.sqrt(LEVEL * (1 - LEVEL) / REPLICATES)


def drawn(random, m, n, apart=1.0, spread=1.0):
    scores = np.concatenate([random.normal(apart, spread, m), random.normal(0, 1, n)])
    return scores, np.arange(m + n) < m


@pytest.mark.parametrize("digits", [0, 1, 9])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_values_are_scikit_learns_with_and_without_ties(seed, digits):
    scores, positive = drawn(np.random.default_rng(seed), 300, 900)
    scores = scores.round(digits)
    table = score_table(scores, positive)
    assert (
        abs(auc.area(table.positive, table.other).value - roc_auc_score(positive, scores)) < 1e-12
    )
    value, _, _ = average_precision.bounds(table.positive, table.other, LEVEL)
    assert abs(value - average_precision_score(positive, scores)) < 1e-12


def test_a_table_of_halves_is_the_table_of_the_whole():
    scores, positive = drawn(np.random.default_rng(4), 200, 200)
    scores = scores.round(1)
    whole = score_table(scores, positive)
    halves = score_table(scores[::2], positive[::2]).merge(
        score_table(scores[1::2], positive[1::2])
    )
    for name in ("scores", "positive", "other"):
        assert np.array_equal(getattr(whole, name), getattr(halves, name))
    assert (whole.positives, whole.others) == (200, 200)


@pytest.fixture(scope="module")
def many():
    """More rows than are sorted: two models' probabilities, and which rows are positive."""
    random = np.random.default_rng(12)
    positive = random.random(600_000) < 0.2
    lean = 2 * positive + random.normal(size=positive.size) - 2
    return [expit(lean + s * random.normal(size=lean.size)) for s in (0.3, 0.6)], positive


@pytest.mark.parametrize("rows", [60, 33_333, 600_000])
def test_losses_of_one_pass_are_scikit_learns_and_their_moments_those_of_the_rows(many, rows):
    (scores, _), positive = many
    scores, positive = scores[:rows].copy(), positive[:rows]
    scores[:2] = 0.0, 1.0  # one of them is certain, and may be wrong
    found = probabilities.losses(scores, positive)
    made = probabilities.log_losses(scores, positive), probabilities.square_losses(scores, positive)
    assert abs(found[0].moments.mean - log_loss(positive, scores)) < 1e-12
    assert abs(found[1].moments.mean - brier_score_loss(positive, scores)) < 1e-12
    for lost, (of_rows, most) in zip(found, made, strict=True):
        beside = of_rows - of_rows.mean()
        assert lost.most == most
        assert lost.moments.n == rows
        assert lost.moments.second == pytest.approx((beside**2).mean(), rel=1e-6)
        assert lost.moments.third == pytest.approx((beside**3).mean(), rel=1e-6)
        assert lost.moments.least == pytest.approx(of_rows.min(), abs=1e-6)
        bounds = [np.array(mean.bounds(m, LEVEL)) for m in (lost.moments, mean.Moments.of(of_rows))]
        assert np.allclose(*bounds, rtol=0, atol=1e-6 * np.ptp(bounds[1]))


def test_bins_rank_as_sorting_does(many):
    (scores, _), positive = many
    binned = score_table(scores, positive)
    assert binned.scores.size <= 1 << 16
    assert (binned.positives, binned.others) == (positive.sum(), (~positive).sum())
    assert (np.diff(binned.scores) > 0).all()
    area = auc.area(binned.positive, binned.other)
    assert abs(area.value - roc_auc_score(positive, scores)) < 1e-6
    value = average_precision.bounds(binned.positive, binned.other, LEVEL)[0]
    assert abs(value - average_precision_score(positive, scores)) < 2e-5


def test_the_difference_by_bins_is_the_exact_one(many):
    (new, old), positive = many
    binned = auc.difference(new, old, positive, LEVEL)
    shifted = auc.difference(new + 2, old + 2, positive, LEVEL)  # no probabilities: sorted
    assert binned == pytest.approx(shifted, abs=1e-6)
    assert binned != shifted


def test_scores_that_crowd_are_sorted_after_all(many):
    (scores, _), positive = many
    crowded = scores / 1e4
    table = score_table(crowded, positive)
    assert table.scores.size == np.unique(crowded).size


@pytest.mark.parametrize("seed", [1, 2])
def test_delong_is_mlstatkits(seed):
    from MLstatkit import Delong_test

    random = np.random.default_rng(seed)
    old, positive = drawn(random, 150, 350)
    new = old + random.normal(0, 0.5, old.size)
    z, _ = Delong_test(positive.astype(int), new, old)[:2]
    value, low, high = auc.difference(new, old, positive, LEVEL)
    added = 1 / (2 * 150**2) + 1 / (2 * 350**2)
    variance = ((high - low) / (2 * norm.ppf(LEVEL))) ** 2 - added
    assert abs(value) / math.sqrt(variance) == pytest.approx(abs(z), abs=1e-9)


def test_a_label_that_is_scarce_or_absent_has_no_bound():
    scores, positive = drawn(np.random.default_rng(5), 29, 400)
    table = score_table(scores, positive)
    found = auc.area(table.positive, table.other)
    assert auc.bounds(found, LEVEL) == (-math.inf, math.inf)
    assert auc.bounds(found, 0.5) == (found.value, found.value)
    assert average_precision.bounds(table.positive, table.other, LEVEL)[1] == -math.inf
    assert auc.difference(scores, -scores, positive, LEVEL)[1] == -math.inf
    none = score_table(scores, positive & False)
    assert math.isnan(auc.area(none.positive, none.other).value)
    assert math.isnan(average_precision.bounds(none.positive, none.other, LEVEL)[0])


def test_labels_that_scores_separate_are_no_certainty():
    table = score_table(np.arange(200.0), np.arange(200) >= 140)
    low, high = auc.bounds(auc.area(table.positive, table.other), LEVEL)
    assert low == pytest.approx(0.05 ** (1 / 60))
    assert high == 1.0
    same = np.arange(200.0)
    value, low, high = auc.difference(same, same, np.arange(200) >= 140, LEVEL)
    assert value == 0
    assert low < 0 < high


@pytest.mark.parametrize(
    ("area", "spread", "m", "n"),
    [
        (0.6, 1, 30, 30),
        (0.8, 1, 40, 160),
        (0.95, 1, 30, 270),
        (0.99, 1, 60, 60),
        (0.97, 3, 60, 240),
    ],
)
def test_auc_bounds_hold(area, spread, m, n):
    random = np.random.default_rng(6)
    apart = norm.ppf(area) * math.hypot(1, spread)
    held = np.zeros(2)
    for _ in range(REPLICATES):
        table = score_table(*drawn(random, m, n, apart, spread))
        low, high = auc.bounds(auc.area(table.positive, table.other), LEVEL)
        held += low <= area, high >= area
    assert (held / REPLICATES >= LEAST).all(), held / REPLICATES


@pytest.mark.parametrize(("m", "n"), [(30, 60), (60, 400)])
def test_bounds_on_a_difference_of_auc_hold(m, n):
    random = np.random.default_rng(7)
    true = norm.cdf(1.2 / math.sqrt(2)) - norm.cdf(1.2 / math.sqrt(2 * (1 + 0.5**2)))
    held = np.zeros(2)
    for _ in range(REPLICATES):
        new, positive = drawn(random, m, n, 1.2)
        old = new + random.normal(0, 0.5, new.size)
        _, low, high = auc.difference(new, old, positive, LEVEL)
        held += low <= true, high >= true
    assert (held / REPLICATES >= LEAST).all(), held / REPLICATES


@pytest.mark.parametrize(
    ("apart", "rows", "share"),
    [(0.4, 1000, 0.1), (1.8, 200, 0.5), (2.0, 1000, 0.1), (3.5, 300, 0.5)],
)
def test_bounds_on_average_precision_hold(apart, rows, share):
    random = np.random.default_rng(8)
    scores, positive = drawn(random, int(1e6 * share), int(1e6 * (1 - share)), apart)
    true = average_precision_score(positive, scores)
    held = np.zeros(2)
    for _ in range(REPLICATES):
        m = random.binomial(rows, share)
        table = score_table(*drawn(random, m, rows - m, apart))
        _, low, high = average_precision.bounds(table.positive, table.other, LEVEL)
        held += low <= true, high >= true
    assert (held / REPLICATES >= LEAST).all(), held / REPLICATES


def kumars(bins):
    """The debiased square of Kumar, Liang and Ma (2019), bin by bin."""
    total = 0.0
    for n, k, p in zip(bins.rows, bins.true, bins.said, strict=True):
        y = k / n
        total += n / bins.rows.sum() * ((p - y) ** 2 - y * (1 - y) / (n - 1))
    return total


def binned(scores, true):
    table = score_table(scores, true)
    return calibration.bins(
        table.scores, table.positive.astype(float), (table.positive + table.other).astype(float)
    )


def test_calibration_is_kumars_on_bins_of_equal_size():
    random = np.random.default_rng(9)
    scores = random.random(3000)
    bins = binned(scores, random.random(3000) < scores**2)
    assert bins.rows.tolist() == [200] * 15
    edges = np.sort(scores)[::200]
    first = scores < edges[1]
    assert bins.said[0] == pytest.approx(scores[first].mean())
    assert calibration.bounds(bins, LEVEL)[0] == pytest.approx(math.sqrt(kumars(bins)), abs=1e-12)


def test_few_rows_calibrate_nothing():
    random = np.random.default_rng(10)
    scores = random.random(49)
    assert calibration.bounds(binned(scores, random.random(49) < scores), LEVEL)[1] == -math.inf
    assert binned(np.full(400, 0.3), random.random(400) < 0.3).rows.tolist() == [400]


def test_many_rows_of_one_score_leave_no_bin_too_small():
    random = np.random.default_rng(13)
    scores = np.concatenate([np.zeros(230), random.random(770)])  # the second bin would have 37
    found = binned(scores, random.random(1000) < scores)
    assert found.rows.min() >= 50
    assert found.rows.sum() == 1000
    assert (np.diff(found.said) > 0).all()
    assert math.isfinite(calibration.bounds(found, LEVEL)[1])


@pytest.mark.parametrize("rows", [100, 1000])
@pytest.mark.parametrize("power", [1.0, 1.5])
@pytest.mark.parametrize("pull", [1.0, 0.7])
def test_bounds_on_calibration_hold(rows, power, pull):
    def come_true(scores):
        return 0.5 + (scores**power - 0.5) * pull

    random = np.random.default_rng(11)
    many = np.array_split(np.sort(random.random(600_000)), min(15, rows // 50))
    gaps = np.array([part.mean() - come_true(part).mean() for part in many])
    true = math.sqrt((gaps**2).mean())
    held = np.zeros(2)
    for _ in range(REPLICATES):
        scores = random.random(rows)
        _, low, high = calibration.bounds(
            binned(scores, random.random(rows) < come_true(scores)), LEVEL
        )
        held += low <= true + 1e-3, high >= true - 1e-12  # the truth above is itself drawn
    assert (held / REPLICATES >= LEAST).all(), held / REPLICATES
