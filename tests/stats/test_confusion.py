"""Measures of a confusion table against scikit-learn, and their bounds by simulation."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from gatekit.evidence.confusion import MOST_LABELS, confusion_table
from gatekit.stats import confusion, proportion


def macro(score):
    return lambda y, said: score(y, said, average="macro", zero_division=0)


def macro_specificity(y, said):
    tables = metrics.multilabel_confusion_matrix(y, said)
    return np.mean([t[0, 0] / t[0].sum() if t[0].sum() else 0.0 for t in tables])


ORACLES = [
    (confusion.balanced_accuracy, metrics.balanced_accuracy_score),
    (confusion.macro_recall, macro(metrics.recall_score)),
    (confusion.macro_precision, macro(metrics.precision_score)),
    (confusion.macro_f1, macro(metrics.f1_score)),
    (confusion.macro_specificity, macro_specificity),
    (confusion.matthews, metrics.matthews_corrcoef),
]


@st.composite
def labelled(draw):
    k, n = draw(st.integers(1, 5)), draw(st.integers(1, 60))
    label = st.integers(0, k - 1)
    y = draw(st.lists(label, min_size=n, max_size=n))
    said = draw(st.lists(label, min_size=n, max_size=n))
    if draw(st.booleans()):  # a model that says one thing only
        said = [said[0]] * n
    return np.array(y), np.array(said)


@given(labelled())
@settings(deadline=None)
def test_every_measure_equals_scikit_learn_degenerate_tables_too(pair):
    y, said = pair
    counts = confusion_table(y, said).counts
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of what is degenerate, and gives a number
        for ours, theirs in ORACLES:
            assert float(ours(counts)) == pytest.approx(theirs(y, said), abs=1e-12)


@given(labelled())
@settings(deadline=None)
def test_the_counts_of_the_positive_label_give_scikit_learns_values(pair):
    y, said = (side % 2 for side in pair)
    c = confusion_table(y, said).of(1)
    f1 = confusion.f1_of_share(c.hit / max(1, c.true + c.said - c.hit))
    found = (c.hit / max(1, c.said), c.hit / max(1, c.true), f1, c.other_hit / max(1, c.other_true))
    theirs = (
        metrics.precision_score(y, said, zero_division=0),
        metrics.recall_score(y, said, zero_division=0),
        metrics.f1_score(y, said, zero_division=0),
        metrics.recall_score(y, said, pos_label=0, zero_division=0),
    )
    assert found == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.array([0, 1, 1]), np.array([0.0, -0.0, 1.0])),
        (np.array([0, 1, 1]), np.array(["0", "0", "1"], dtype=object)),
        (np.array([False, True, True]), np.array([0, 0, 1])),
        (np.array([False, True, True]), np.array([False, False, True])),
        (np.array(["n", "y", "y"], dtype=object), np.array(["n", "n", "y"])),
    ],
)
def test_labels_are_the_same_whatever_their_type(y, said):
    assert confusion_table(y, said).counts.tolist() == [[1, 0], [1, 1]]


def test_labels_are_sorted_and_hold_what_was_only_predicted():
    table = confusion_table(np.array([5, 3, 5]), np.array([9, 3, 5]))
    assert table.labels.tolist() == [3, 5, 9]
    assert table.counts.tolist() == [[1, 0, 0], [0, 1, 1], [0, 0, 0]]


def test_a_predicted_label_that_is_neither_is_a_miss_on_both_sides():
    counts = confusion_table(np.array([0, 0, 1, 1]), np.array([0, 7, 7, 1])).of(1)
    assert (counts.hit, counts.true, counts.said) == (1, 2, 1)
    assert (counts.other_hit, counts.other_true) == (1, 2)


def test_scores_are_no_labels():
    scores = np.linspace(0, 1, MOST_LABELS + 1)
    assert confusion_table(np.zeros(scores.size), scores) is None


MEASURES = [ours for ours, _ in ORACLES]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    "counts",
    [[[5, 0], [3, 0]], [[5, 3], [0, 0]], [[8]], [[5, 1, 0], [2, 6, 0], [1, 1, 0]]],
    ids=["never said", "never true", "one label", "never said of three"],
)
def test_a_thin_table_has_no_bounds_even_for_a_point_decision(measure, counts):
    for level in (0.95, 0.5):
        value, low, high = confusion.bounds(measure, counts, level, 1)
        assert math.isfinite(value)
        assert (low, high) == (-math.inf, math.inf)


@given(st.lists(st.integers(1, 300), min_size=9, max_size=9))
@settings(max_examples=10, deadline=None)
def test_bounds_enclose_the_value_repeat_and_widen_with_the_level(cells):
    table = np.array(cells).reshape(3, 3)
    for measure in MEASURES:
        value, low, high = confusion.bounds(measure, table, 0.9, 3)
        assert (value, low, high) == confusion.bounds(measure, table, 0.9, 3)
        _, lower, higher = confusion.bounds(measure, table, 0.995, 3)
        assert lower < low <= value <= high < higher
        assert confusion.bounds(measure, table, 0.5, 3) == (value, value, value)


def test_no_error_seen_is_no_proof_of_none():
    value, low, high = confusion.bounds(confusion.matthews, [[100, 0], [0, 100]], 0.95, 1)
    assert (value, high) == (1.0, 1.0)
    assert 0.93 < low < 0.98


def test_where_only_one_rate_varies_the_bound_is_clopper_and_pearsons():
    """Ten million rows of the other label leave its recall at 1/2 sharp."""
    table = [[5_000_000, 5_000_000], [20, 80]]
    _, low, high = confusion.bounds(confusion.balanced_accuracy, table, 0.95, 2)
    exact = [(float(bound) + 0.5) / 2 for bound in proportion.bounds(80, 100, 0.95)]
    assert [low, high] == pytest.approx(exact, abs=0.004)


def truth(shares, right):
    """Cell shares of a model that labels a share `right` of each label's rows rightly."""
    shares, right, k = np.array(shares), np.array(right), len(shares)
    wrong = (shares * (1 - right) / (k - 1))[:, None] * (1 - np.eye(k))
    return wrong + np.diag(shares * right)


TRUTHS = {
    "even": truth([0.5, 0.5], [0.9, 0.9]),
    "rare": truth([0.9, 0.1], [0.98, 0.8]),
    "nearly right": truth([0.7, 0.3], [0.99, 0.97]),
    "three": truth([0.6, 0.3, 0.1], [0.9, 0.8, 0.7]),
    "five": truth([0.4, 0.3, 0.1, 0.1, 0.1], [0.95, 0.9, 0.9, 0.8, 0.8]),
}
REPLICATES = 400
QUICK = [
    (measure, name, 200)
    for measure in (confusion.balanced_accuracy, confusion.macro_f1, confusion.matthews)
    for name in ("nearly right", "three")
]
# every measure on the hardest of these; bench/coverage.py takes all of them, and more rows
HARDEST = [(measure, "five", 200) for measure in MEASURES]


@pytest.mark.parametrize(("measure", "name", "n"), [*QUICK, *HARDEST])
def test_one_sided_coverage(measure, name, n):
    """Each bound holds in 95 %, less three Monte-Carlo errors, and is no wider than it need be."""
    shares = TRUTHS[name]
    draws = np.random.default_rng(17).multinomial(n, shares.ravel(), REPLICATES)
    target = float(measure(shares))
    found = [confusion.bounds(measure, d.reshape(shares.shape), 0.95, 5) for d in draws]
    slack = 3 * math.sqrt(0.95 * 0.05 / REPLICATES)
    assert np.mean([low <= target for _, low, _ in found]) >= 0.95 - slack
    assert np.mean([high >= target for _, _, high in found]) >= 0.95 - slack
    widths = [high - low for _, low, high in found if math.isfinite(low)]
    spread = np.std([value for value, _, _ in found])
    assert np.median(widths) < 2 * 1.645 * spread * 1.5


def test_f1_covers_through_its_share():
    shares = truth([0.9, 0.1], [0.97, 0.8])
    draws = np.random.default_rng(23).multinomial(200, shares.ravel(), 5000).reshape(-1, 2, 2)
    hit, either = draws[:, 1, 1], 200 - draws[:, 0, 0]
    low, high = (confusion.f1_of_share(bound) for bound in proportion.bounds(hit, either, 0.95))
    target = confusion.f1_of_share(shares[1, 1] / (1 - shares[0, 0]))
    slack = 3 * math.sqrt(0.95 * 0.05 / 5000)
    assert np.mean(low <= target) >= 0.95 - slack
    assert np.mean(high >= target) >= 0.95 - slack
