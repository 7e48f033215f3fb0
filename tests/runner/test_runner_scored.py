"""Labels and scores over the pipe: what was sent comes back, and nothing else is believed."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gatekit.errors import ModelMisbehaved
from gatekit.runner.protocol import Frame, Garbage, table_to_bytes
from gatekit.runner.scored import frame_to_scored, scored_to_frame
from gatekit.scoring.answers import Scored, read_answer
from gatekit.scoring.engines import labels


@pytest.mark.parametrize(
    "said",
    [
        Scored(None, np.array([0.1, 0.9])),
        Scored(np.array([0, 1]), np.array([0.1, 0.9])),
        Scored(
            np.array(["no", "yes"], dtype=object), np.array([[0.9, 0.1], [0.2, 0.8]]), ("no", "yes")
        ),
        Scored(None, np.array([[0.9, 0.1], [0.2, 0.8]]), tuple(np.array([0, 1]))),
    ],
)
def test_what_was_said_comes_back(said):
    back = frame_to_scored(scored_to_frame({"id": 1}, said), 2)
    assert np.array_equal(back.scores, said.scores)
    assert back.classes == said.classes
    assert (back.labels is None) == (said.labels is None)
    assert said.labels is None or back.labels.tolist() == said.labels.tolist()


def framed(classes, **columns):
    return Frame({"array": "scored", "classes": classes}, table_to_bytes(pa.table(columns)))


@pytest.mark.parametrize(
    "frame",
    [
        Frame({"array": "<f8", "rows": 0}),
        framed(None, **{"0": [0.5]}),
        framed([0, 1], **{"0": [0.5]}),
        framed([], **{"0": [0.5], "1": [0.5]}),
        framed([], **{"0": ["x"]}),
        framed([[1], 2], **{"0": [0.5], "1": [0.5]}),
        framed(list(range(2000)), **{"0": [0.5]}),
    ],
)
def test_a_frame_that_lies_is_garbage(frame):
    with pytest.raises(Garbage):
        frame_to_scored(frame, 1)


@pytest.mark.parametrize(
    ("column", "words"),
    [([0.5, np.nan], "not a number, the first at row 1"), ([0.5], "1 predictions for 2 rows")],
)
def test_scores_are_looked_at(column, words):
    with pytest.raises(ModelMisbehaved, match=words):
        frame_to_scored(framed([], **{"0": column}), 2)


TWO = np.array([[0.9, 0.1], [0.2, 0.8]])
FRAME = pd.DataFrame({"prediction": ["no", "yes"], "risk": [0.1, 0.8], "why": ["a", "b"]})


def test_columns_are_named_by_the_model_or_by_the_frame():
    assert read_answer(TWO, "predict_proba", (0, 1), labels).classes == (0, 1)
    named = pd.DataFrame(TWO, columns=["no", "yes"])
    assert read_answer(named, "predict_proba", (), labels).classes == ("no", "yes")
    assert read_answer(TWO[:, :1], "predict_proba", (), labels).scores.tolist() == [0.9, 0.2]
    said = read_answer(FRAME, "risk", (), labels)
    assert (said.labels.tolist(), said.scores.tolist()) == (["no", "yes"], [0.1, 0.8])
    alone = read_answer({"risk": np.array([0.1, 0.8])}, "risk", (), labels)
    assert alone.labels is None


@pytest.mark.parametrize(
    ("raw", "score", "words"),
    [
        (TWO, "predict_proba", "nothing says which class"),
        (pd.DataFrame(TWO), "predict_proba", "nothing says which class"),
        (np.array([0, 1]), "predict_proba", "of type int64, which are labels and no scores"),
        (FRAME, "score", "has no column 'score'.*'prediction', 'risk', 'why'"),
        (TWO, "risk", "has no column 'risk'.*it has no names"),
        (FRAME[["risk", "why"]].assign(b=1), "risk", "none is called 'prediction'"),
        (FRAME, "why", "column 'why' holds values of type"),
    ],
)
def test_what_cannot_be_read_as_scores_is_said(raw, score, words):
    with pytest.raises(ModelMisbehaved, match=words):
        read_answer(raw, score, (), labels)
