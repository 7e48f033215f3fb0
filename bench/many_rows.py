"""What the statistics cost on very many rows, against what a model costs that predicts them.

    python bench/many_rows.py [ROWS] [ROWS OF THE PAIR]

In one run, on one core, medians of interleaved repeats: (a) scikit-learn's logistic regression
predicts the rows, 10 features; (b) every classification measure with its bounds, on labels and on
scores, and every fairness gap between 10 groups with 1,000 joint resamples, from nothing counted
yet; (c) the difference of two AUC with its error, and (d) scikit-learn's `roc_auc_score` twice.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from scipy.special import expit, ndtri
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))
from count_measures import GAPS, LABEL_MEASURES, Answered, rows

from gatekit.data import open_holdout
from gatekit.gate import Ask
from gatekit.gates import scores
from gatekit.policy import DataSpec
from gatekit.policy_gates import AccuracyGate, FairnessGate
from gatekit.scoring.answers import Scored
from gatekit.stats import auc

SCORE_MEASURES = (
    scores.log_loss,
    scores.brier,
    scores.auc,
    scores.average_precision,
    scores.calibration_error,
)
REPEATS, PAIR_REPEATS = 7, 3


class Scoring(Answered):
    """A subject that has given labels and scores already; it counts anew in every repeat."""

    score = "predict_proba"

    def __init__(self, said, given):
        super().__init__(said)
        self.score = "predict_proba"
        self.given = given

    def scored(self, _holdout, **_):
        return Scored(self.said, self.given, (0, 1))

    def scores(self, _holdout):
        return self.given[:, 1]


def timed(work):
    """Milliseconds of this process: other work on the machine does not count."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def table(holdout, said, given):
    """Every measure with bounds, and every gap."""
    subject = Scoring(said, given)
    measures = (*LABEL_MEASURES, *SCORE_MEASURES)
    found = [m(subject, holdout, ask=Ask(0.95, 1, AccuracyGate())) for m in measures]
    return found + [m(subject, holdout, ask=Ask(0.95, 1, FairnessGate())) for m in GAPS]


def one(n):
    random = np.random.default_rng(3)
    features, group, y = rows(n, random)
    model = LogisticRegression().fit(features[:20_000], y[:20_000])
    said, given = model.predict(features), np.asfortranarray(model.predict_proba(features))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "holdout.parquet"
        parquet.write_table(pa.table({"group": group, "label": y}), path)
        spec = DataSpec(path=path.name, target="label", sensitive=(("group",),))
        taken = {"a": [], "b": []}
        for _ in range(REPEATS):
            holdout = open_holdout(spec, path.parent)
            holdout.table, holdout.y  # noqa: B018 - read before the clock runs
            taken["a"].append(timed(lambda: model.predict(features)))
            taken["b"].append(timed(lambda h=holdout: table(h, said, given)))
    a, b = (median(each) for each in taken.values())
    print(f"{n:,} rows, 10 groups, one core, medians in ms")
    print(f"a  predict                              {a:>10.1f}")
    print(f"b  all measures, bounds, gaps           {b:>10.1f}")
    print(f"b / a  {b / a:.2f} (at most 3)\n")
    return b > 3 * a


def pair(n):
    random = np.random.default_rng(4)
    positive = random.random(n) < 0.3
    lean = 1.5 * positive + random.normal(size=n)
    new, old = (expit(lean - 1.5 + spread * random.normal(size=n)) for spread in (0.3, 0.6))
    taken = {"c": [], "d": []}
    for _ in range(PAIR_REPEATS):
        taken["c"].append(timed(lambda: auc.difference(new, old, positive, 0.95)))
        taken["d"].append(timed(lambda: [roc_auc_score(positive, s) for s in (new, old)]))
    c, d = (median(each) for each in taken.values())
    value, low, _ = auc.difference(new, old, positive, 0.95)
    places = [auc._placements(s, positive) for s in (new, old)]  # noqa: SLF001 - the exact path
    apart = [one - other for one, other in zip(*places, strict=True)]
    error = math.sqrt(sum(each.var(ddof=1) / each.size for each in apart))
    ours = (value - low) / float(ndtri(0.95))
    off = abs(value - float(apart[0].mean())), abs(ours - error)
    print(f"{n:,} rows, two models, one core, medians in ms")
    print(f"c  difference of AUC and its error      {c:>10.1f}")
    print(f"d  roc_auc_score twice                  {d:>10.1f}")
    print(f"c / d  1/{d / c:.1f} (at most 1/10)")
    print(f"off the exact difference by {off[0]:.1e}, off its exact error by {off[1]:.1e}")
    return c > d / 10 or max(off) > 1e-6


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    with threadpool_limits(1):
        missed = one(given[0] if given else 1_000_000)
        missed |= pair(given[1] if len(given) > 1 else 10_000_000)
    sys.exit(missed)
