"""Labels have to be equal, scores and numbers near enough; what differs is named by its row."""

import numpy as np
import pyarrow as pa
import pytest

from gatekit.gates import parity
from gatekit.policy_gates import ParityGate
from gatekit.scoring.answers import Scored

TABLE = pa.table({"x0": np.arange(50.0), "label": [0, 1] * 25})
P = np.linspace(0.1, 0.9, 50)


@pytest.fixture
def scoring(make_holdout, fake):
    """A subject whose engines give these scores, and the same labels."""

    def make(native, pyfunc, classes=("a", "b")):
        subject = fake(lambda table: np.zeros(table.num_rows))
        subject.score = "predict_proba"
        said = {"native": Scored(None, native, classes), "pyfunc": Scored(None, pyfunc, classes)}
        subject.scored = lambda holdout, engine=None: said[engine or "native"]
        return subject, make_holdout(TABLE)

    return make


def wide(p):
    return np.column_stack([p, 1 - p])


@pytest.mark.parametrize("shape", [wide, np.asarray])
@pytest.mark.parametrize(("apart", "tolerance", "count"), [(1e-8, 1e-9, 1), (1e-8, 1e-7, 0)])
def test_scores_may_be_a_stated_tolerance_apart(scoring, ask, shape, apart, tolerance, count):
    moved = P.copy()
    moved[17] += apart
    subject, holdout = scoring(shape(moved), shape(P))
    found = parity.disagreements(subject, holdout, ask=ask(ParityGate(score_tolerance=tolerance)))
    assert (found.value, found.n) == (count, 50)
    assert found.detail[0] == "largest difference of two scores 1e-08"
    assert [line.partition(":")[0] for line in found.detail[1:]] == ["row 17"] * count
    assert f"scores within {tolerance:g}" in found.method
    if count:
        assert "native says" in found.detail[1]
        assert "pyfunc" in found.detail[1]


def test_scores_of_other_classes_are_none_of_the_same(scoring, ask):
    subject, holdout = scoring(wide(P), wide(P))
    other = Scored(None, wide(P), ("b", "a"))
    kept = subject.scored
    subject.scored = lambda holdout, engine=None: other if engine else kept(holdout)
    found = parity.disagreements(subject, holdout, ask=ask(ParityGate()))
    assert (found.value, found.detail[0]) == (
        50,
        "native scores the classes a, b, pyfunc the classes b, a",
    )


def test_the_numbers_of_a_regression_may_be_as_far_apart(make_holdout, fake, ask):
    said = np.linspace(-1e6, 1e6, 50)
    moved = said * (1 + 1e-12)
    subject = fake({"native": lambda _: moved, "pyfunc": lambda _: said})
    subject.task = "regression"
    holdout = make_holdout(TABLE)
    assert parity.disagreements(subject, holdout, ask=ask(ParityGate())).value == 0
    strict = ask(ParityGate(score_tolerance=1e-13))
    found = parity.disagreements(subject, holdout, ask=strict)
    assert found.value == 50
    assert found.detail[0].startswith("row 0: native says -1000000")
    subject.task = "multiclass"  # numbers as labels are labels
    assert parity.disagreements(subject, holdout, ask=ask(ParityGate())).value == 50
