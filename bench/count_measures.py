"""What the measures on labels cost on a million rows, against a model's predict and a bootstrap.

    python bench/count_measures.py [ROWS]

In one run, medians of interleaved repeats: (a) scikit-learn's logistic regression predicts the
rows, 10 features; (b) every classification measure on labels with its bounds, and every fairness
gap between 10 groups with 1,000 joint resamples; (c) the counts that all of these are made of;
(d) accuracy by group over 100 numpy bootstraps of the rows.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from sklearn.linear_model import LogisticRegression

from gatekit.data import open_holdout
from gatekit.evidence.confusion import confusion_table
from gatekit.evidence.counts import is_label
from gatekit.evidence.groupings import count_jointly
from gatekit.gate import Ask
from gatekit.gates import accuracy, fairness
from gatekit.policy import DataSpec
from gatekit.policy_gates import AccuracyGate, FairnessGate
from gatekit.subject import Subject
from gatekit.subject_spec import SubjectSpec

GROUPS, FEATURES, REPEATS, BOOTSTRAPS = 10, 10, 7, 100
LABEL_MEASURES = (
    accuracy.overall,
    accuracy.balanced_accuracy,
    accuracy.precision,
    accuracy.recall,
    accuracy.specificity,
    accuracy.f1,
    accuracy.mcc,
)
GAPS = (
    fairness.demographic_parity_difference,
    fairness.selection_rate_ratio,
    fairness.equal_opportunity_difference,
    fairness.equal_opportunity_ratio,
    fairness.equalized_odds_difference,
    fairness.equalized_odds_ratio,
    fairness.predictive_parity_difference,
    fairness.predictive_parity_ratio,
)


class Answered(Subject):
    """A subject that has predicted already; it counts anew in every repeat."""

    def __init__(self, said):
        super().__init__(SubjectSpec(None, "native"), None, None)
        self.said = said

    def predictions(self, _holdout, **_):
        return self.said


def rows(n, random):
    features = random.normal(size=(n, FEATURES))
    group = random.integers(0, GROUPS, n)
    lean = features @ np.linspace(1, 0, FEATURES) + 0.05 * group
    return features, group, (lean + random.normal(size=n) > 0).astype(np.int64)


def table(holdout, said):
    """Every measure on labels with bounds, and every gap."""
    subject = Answered(said)
    found = [m(subject, holdout, ask=Ask(0.95, 1, AccuracyGate())) for m in LABEL_MEASURES]
    return found + [m(subject, holdout, ask=Ask(0.95, 1, FairnessGate())) for m in GAPS]


def counts(holdout, said):
    """The two tables of counts that all measures are made of."""
    joint = count_jointly(
        {"group": holdout.groups("group")},
        (("group",),),
        is_label(holdout.y, 1),
        is_label(said, 1),
    )
    return confusion_table(holdout.y, said), joint


def bootstrap(y, said, group, random):
    right = (y == said).astype(float)
    for _ in range(BOOTSTRAPS):
        picked = random.integers(0, y.size, y.size)
        by_group = np.bincount(group[picked], right[picked], GROUPS)
        by_group / np.bincount(group[picked], minlength=GROUPS)


def timed(work):
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def main(n):
    random = np.random.default_rng(3)
    features, group, y = rows(n, random)
    model = LogisticRegression().fit(features[:20_000], y[:20_000])
    said = model.predict(features)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "holdout.parquet"
        parquet.write_table(pa.table({"group": group, "label": y}), path)
        spec = DataSpec(path=path.name, target="label", sensitive=(("group",),))

        def opened():
            """As a run has it: read, and nothing counted yet."""
            holdout = open_holdout(spec, path.parent)
            return holdout, holdout.table, holdout.y

        taken = {name: [] for name in "abcd"}
        for repeat in range(REPEATS):
            taken["a"].append(timed(lambda: model.predict(features)))
            first, second = opened()[0], opened()[0]
            taken["b"].append(timed(lambda h=first: table(h, said)))
            taken["c"].append(timed(lambda h=second: counts(h, said)))
            if repeat < 3:
                taken["d"].append(timed(lambda: bootstrap(y, said, group, random)))
    ms = {name: median(each) for name, each in taken.items()}
    print(f"{n:,} rows, {GROUPS} groups, medians in ms")
    print(f"a  predict                              {ms['a']:>10.1f}")
    print(f"b  all measures, bounds, gaps           {ms['b']:>10.1f}")
    print(f"c  the counts alone                     {ms['c']:>10.1f}")
    print(f"d  {BOOTSTRAPS} bootstraps of the rows           {ms['d']:>10.1f}")
    print(f"b / a  {ms['b'] / ms['a']:.2f} (at most 3)")
    print(f"c / d  1/{ms['d'] / ms['c']:.0f} (at most 1/100)")
    return ms["b"] > 3 * ms["a"] or ms["c"] > ms["d"] / 100


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
