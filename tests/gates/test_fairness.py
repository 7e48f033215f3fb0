"""Point values exactly fairlearn's; bounds that a small group keeps open."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from gatekit.errors import DataError
from gatekit.gates import fairness
from gatekit.policy_gates import FairnessGate
from gatekit.verdict import Outcome, decide

GAPS = {
    "demographic_parity_difference": max,
    "equal_opportunity_difference": max,
    "equalized_odds_difference": max,
    "selection_rate_ratio": min,
    "equal_opportunity_ratio": min,
    "equalized_odds_ratio": min,
}
THEIRS = {"selection_rate_ratio": "demographic_parity_ratio"}


def data(seed, groups=3, rows=600, labels=(0, 1)):
    """Truth and predictions that depend on the group, two sensitive columns."""
    random = np.random.default_rng(seed)
    region = random.choice([f"r{i}" for i in range(groups)], rows)
    sex = random.choice(["f", "m"], rows)
    lean = 0.2 + 0.5 * (region == "r0") + 0.1 * (sex == "m")
    truth, said = (random.random(rows) < lean for _ in range(2))
    labels = np.asarray(labels)
    table = pa.table(
        {
            "x0": random.random(rows),
            "region": region,
            "sex": sex,
            "label": labels[truth.astype(int)],
        }
    )
    return table, truth.astype(int), said.astype(int), labels[said.astype(int)]


def measured(name, subject, holdout, asked):
    return getattr(fairness, name)(subject, holdout, ask=asked)


@pytest.mark.parametrize("name", GAPS)
@pytest.mark.parametrize("groups", [2, 3, 4, 5])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_value_is_fairlearns_over_the_worst_column(make_holdout, fake, ask, name, groups, seed):
    import fairlearn.metrics

    table, truth, chosen, said = data(seed, groups)
    theirs = getattr(fairlearn.metrics, THEIRS.get(name, name))
    values = [
        theirs(truth, chosen, sensitive_features=table[column].to_numpy())
        for column in ("region", "sex")
    ]
    holdout = make_holdout(table, sensitive=(("region",), ("sex",)))
    for level in (0.95, 0.5):
        estimate = measured(name, fake(lambda _: said), holdout, ask(level=level))
        assert estimate.value == pytest.approx(GAPS[name](values), abs=1e-12)
        assert estimate.low <= estimate.value <= estimate.high
    assert estimate.low == estimate.high  # at a point decision
    worst = ("region", "sex")[values.index(GAPS[name](values))]
    assert estimate.detail[0].endswith(f"by {worst}")
    assert len(estimate.detail) == 1 + groups + 2


@pytest.mark.parametrize("name", GAPS)
def test_words_for_labels_give_the_same(make_holdout, fake, ask, name):
    numbers, _, _, said = data(4)
    words, _, _, spoken = data(4, labels=("no", "yes"))
    sensitive = (("region",), ("sex",))
    plain = make_holdout(numbers, sensitive=sensitive)
    one = measured(name, fake(lambda _: said), plain, ask())
    two = measured(
        name,
        fake(lambda _: spoken, positive="yes"),
        make_holdout(words, sensitive=sensitive),
        ask(),
    )
    assert one == two


def test_which_label_is_positive_matters(make_holdout, fake, ask):
    table, _, _, said = data(4)
    holdout = make_holdout(table, sensitive=(("region",),))
    one, two = (
        fairness.equal_opportunity_difference(fake(lambda _: said, positive=p), holdout, ask=ask())
        for p in (1, 0)
    )
    assert one.value != two.value


@pytest.mark.parametrize("positive", ["yes", 2, "True", float("nan")])
@pytest.mark.parametrize("name", GAPS)
def test_a_positive_label_that_nobody_has_proves_nothing(make_holdout, fake, ask, name, positive):
    table, _, _, said = data(4)
    holdout = make_holdout(table, sensitive=(("region",),))
    with pytest.raises(DataError, match="no row of 'label' is the positive label"):
        measured(name, fake(lambda _: said, positive=positive), holdout, ask())


def test_no_sensitive_column_is_an_error(make_holdout, fake, ask):
    table, _, _, said = data(4)
    with pytest.raises(DataError, match=r"data\.holdout\.sensitive is empty"):
        fairness.demographic_parity_difference(fake(lambda _: said), make_holdout(table), ask=ask())


def even(small):
    """Two groups of 3,000 alike in everything, and a third of `small` rows alike as well."""
    group = np.repeat(["a", "b", "c"], [3000, 3000, small])
    row = np.arange(group.size)
    truth, said = row % 4 < 2, row % 2 == 0
    return pa.table({"x0": row * 1.0, "group": group, "label": truth.astype(int)}), said.astype(int)


@pytest.mark.parametrize("name", GAPS)
@pytest.mark.parametrize(
    ("small", "outcome"), [(0, Outcome.PASSED), (4, Outcome.INCONCLUSIVE), (3000, Outcome.PASSED)]
)
def test_a_small_group_keeps_the_question_open(make_holdout, fake, ask, name, small, outcome):
    table, said = even(small)
    holdout = make_holdout(table, sensitive=(("group",),))
    estimate = measured(name, fake(lambda _: said), holdout, ask())
    op, bar = (">=", 0.8) if GAPS[name] is min else ("<=", 0.1)
    assert decide(estimate, op, bar).outcome is outcome


@pytest.mark.parametrize("level", [0.95, 0.5])
def test_a_group_without_positives_is_unknown_not_absent(make_holdout, fake, ask, level):
    """Group c has no true positive: its true positive rate is anything between 0 and 1."""
    table, said = even(400)
    labels = np.where(table["group"].to_numpy() == "c", 0, table["label"].to_numpy())
    holdout = make_holdout(table.set_column(2, "label", pa.array(labels)), sensitive=(("group",),))
    estimate = fairness.equal_opportunity_difference(
        fake(lambda _: said), holdout, ask=ask(level=level)
    )
    assert decide(estimate, "<=", 0.1).outcome is Outcome.INCONCLUSIVE
    assert any(line.startswith("group=c") and "tpr unknown" in line for line in estimate.detail)


def test_more_columns_widen_the_bounds_and_the_same_one_again_does_not(make_holdout, fake, ask):
    """All differences hold at once; resampled together, a column and its twin are one."""
    table, said = even(3000)
    other = np.random.default_rng(1).choice(["p", "q"], table.num_rows)
    table = table.append_column("twin", table["group"]).append_column("other", pa.array(other))
    one, twin, more = (
        fairness.demographic_parity_difference(
            fake(lambda _: said), make_holdout(table, sensitive=columns), ask=ask()
        )
        for columns in ((("group",),), (("group",), ("twin",)), (("group",), ("group", "other")))
    )
    assert one.value == twin.value
    assert twin.high == pytest.approx(one.high, rel=0.05)
    assert more.high > 1.1 * one.high


def test_nobody_selected_is_no_ratio(make_holdout, fake, ask):
    table, said = even(3000)
    holdout = make_holdout(table, sensitive=(("group",),))
    ratio = fairness.selection_rate_ratio(fake(lambda _: said * 0), holdout, ask=ask())
    assert decide(ratio, ">=", 0.8).outcome is Outcome.FAILED


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_predictive_parity_is_the_gap_in_fairlearns_precision_frame(make_holdout, fake, ask, seed):
    from fairlearn.metrics import MetricFrame
    from sklearn.metrics import precision_score

    table, truth, chosen, said = data(seed)
    frame = MetricFrame(
        metrics=precision_score,
        y_true=truth,
        y_pred=chosen,
        sensitive_features=table["region"].to_numpy(),
    )
    holdout = make_holdout(table, sensitive=(("region",),))
    ours = fairness.predictive_parity_difference(fake(lambda _: said), holdout, ask=ask())
    assert ours.value == pytest.approx(frame.difference(), abs=1e-12)
    ratio = fairness.predictive_parity_ratio(fake(lambda _: said), holdout, ask=ask())
    assert ratio.value == pytest.approx(frame.ratio(), abs=1e-12)
    assert 0 < ratio.low < ratio.value < ratio.high <= 1
    assert decide(ratio, ">=", ratio.low - 1e-9).outcome is Outcome.PASSED
    assert decide(ratio, ">=", ratio.high + 1e-9).outcome is Outcome.FAILED
    assert decide(ratio, ">=", ratio.value).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("name", GAPS)
def test_a_crossing_is_fairlearns_intersection(make_holdout, fake, ask, name):
    import fairlearn.metrics

    table, truth, chosen, said = data(2)
    theirs = getattr(fairlearn.metrics, THEIRS.get(name, name))
    both = table.select(["region", "sex"]).to_pandas()
    holdout = make_holdout(table, sensitive=(("region", "sex"),))
    ours = measured(name, fake(lambda _: said), holdout, ask())
    assert ours.value == pytest.approx(theirs(truth, chosen, sensitive_features=both), abs=1e-12)
    assert ours.detail[0].endswith("by region x sex")
    assert len(ours.detail) == 1 + 6
    assert sum(line.startswith("region=r1 sex=f: ") for line in ours.detail) == 1


def test_unfair_to_one_intersection_only(make_holdout, fake, ask):
    """Each sex and each region alone is selected alike; women in the north and men in the south
    are not."""
    n = 2000
    sex, region = np.repeat(["f", "f", "m", "m"], n), np.tile(np.repeat(["n", "s"], n), 2)
    often = np.where((sex == "f") == (region == "n"), 0.3, 0.7)
    said = (np.tile(np.arange(n), 4) % 10 < often * 10).astype(int)
    table = pa.table({"x0": often, "sex": sex, "region": region, "label": np.tile([0, 1], 2 * n)})
    alone = (("sex",), ("region",))
    blind, seeing = (
        fairness.demographic_parity_difference(
            fake(lambda _: said), make_holdout(table, sensitive=columns), ask=ask()
        )
        for columns in (alone, (*alone, ("sex", "region")))
    )
    assert decide(blind, "<=", 0.1).outcome is Outcome.PASSED
    assert decide(seeing, "<=", 0.1).outcome is Outcome.FAILED
    assert seeing.value == pytest.approx(0.4)


def test_a_combination_without_rows_is_shown_and_keeps_the_question_open(make_holdout, fake, ask):
    table, said = even(3000)
    half = pa.array(np.where(table["group"].to_numpy() == "c", "p", np.tile(["p", "q"], 4500)))
    holdout = make_holdout(
        table.append_column("half", half), sensitive=(("group",), ("group", "half"))
    )
    settings = FairnessGate(demographic_parity_difference=0.1)
    estimate = fairness.demographic_parity_difference(
        fake(lambda _: said), holdout, ask=ask(settings)
    )
    (line,) = (each for each in estimate.detail if each.startswith("group=c half=q"))
    assert line.endswith("n 0, INCONCLUSIVE")
    assert estimate.method == "joint Clopper-Pearson (Bonferroni)"


def test_only_the_group_that_is_small_is_called_inconclusive(make_holdout, fake, ask):
    table, said = even(12)
    settings = FairnessGate(demographic_parity_difference=0.1)
    # the gap of two groups is open as soon as either is
    estimate = fairness.demographic_parity_difference(
        fake(lambda _: said), make_holdout(table, sensitive=(("group",),)), ask=ask(settings)
    )
    assert decide(estimate, "<=", 0.1).outcome is Outcome.INCONCLUSIVE
    marked = {line[:7] for line in estimate.detail[1:] if line.endswith("INCONCLUSIVE")}
    assert "group=c" in marked


@pytest.mark.parametrize("name", [*GAPS, "predictive_parity_difference"])
@pytest.mark.parametrize("level", [0.95, 0.5])
def test_one_group_alone_proves_nothing(make_holdout, fake, ask, name, level):
    table, said = even(0)
    table = table.append_column("same", pa.array(["z"] * table.num_rows))
    holdout = make_holdout(table, sensitive=(("same",),))
    estimate = measured(name, fake(lambda _: said), holdout, ask(level=level))
    op, bar = (">=", 0.8) if GAPS.get(name) is min else ("<=", 0.1)
    assert decide(estimate, op, bar).outcome is Outcome.INCONCLUSIVE


CENSUS = Path(__file__).parents[2] / "examples" / "employment" / "data" / "holdout.parquet"


@pytest.mark.parametrize("name", GAPS)
def test_on_the_census_it_is_fairlearns(make_holdout, fake, ask, name):
    import fairlearn.metrics

    table = parquet.ParquetFile(CENSUS).read()
    said = ((table["AGEP"].to_numpy() > 22) & (table["AGEP"].to_numpy() < 62)).astype(int)
    holdout = make_holdout(table, target="employed", sensitive=(("sex",), ("race",)))
    ours = measured(name, fake(lambda _: said, {"AGEP": "double"}), holdout, ask())
    theirs = getattr(fairlearn.metrics, THEIRS.get(name, name))
    values = [
        theirs(holdout.y, said, sensitive_features=table[column].to_numpy())
        for column in ("sex", "race")
    ]
    assert ours.value == pytest.approx(GAPS[name](values), abs=1e-12)
    assert ours.n == 40_000
