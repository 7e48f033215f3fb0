"""Golden rows: from the model's example and its signature, never from the holdout; with its answers."""

import json
from types import SimpleNamespace

import pytest

from gatekit.errors import ModelMisbehaved
from gatekit.golden import DRAWN, EXAMPLE_FILE, golden, made_rows
from gatekit.scoring.casting import Decoder
from gatekit.scoring.engines import load_engine
from gatekit.scoring.signature import TYPES, Column, Signature, read_signature
from gatekit.testing import write_toy


def subject(folder):
    """The toy in this process, as golden asks a subject."""
    engine = load_engine(folder, "native")
    signature = read_signature(folder)

    def answers(table):
        try:
            return engine.predict(table)
        except Exception as error:
            raise ModelMisbehaved("it raised") from error

    candidate = SimpleNamespace(folder=folder, signature=signature)
    return SimpleNamespace(candidate=candidate, serving_answers=answers, is_alive=True)


def test_rows_and_answers_are_those_of_the_model(tmp_path):
    folder = write_toy(tmp_path / "toy", "threshold")
    example = {"dataframe_split": {"columns": ["x0", "x1", "x2", "x3"], "data": [[7, 8, 9, 10]]}}
    (folder / EXAMPLE_FILE).write_text(json.dumps(example))
    told = golden(subject(folder))
    assert told["rows"][0] == [7, 8, 9, 10]
    assert len(told["rows"]) == 1 + DRAWN
    assert told["answers"] == [int(row[0] > 0) for row in told["rows"]]
    assert golden(subject(folder)) == told  # the seed is fixed
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("kind", TYPES)
def test_drawn_rows_fit_every_type(tmp_path, kind):
    decoder = Decoder.of(Signature((Column("a", kind), Column("b", "double", required=False))))
    rows = made_rows(tmp_path, decoder)
    assert decoder.decode({"features": rows}).num_rows == DRAWN


def test_words_come_from_the_example(tmp_path):
    decoder = Decoder.of(Signature((Column("city", "string"),)))
    (tmp_path / EXAMPLE_FILE).write_text(json.dumps({"inputs": [["Bern"], ["Chur"]]}))
    assert {row[0] for row in made_rows(tmp_path, decoder)} == {"Bern", "Chur"}


@pytest.mark.parametrize("text", ["{", "[]", '{"inputs": [[1, 2]]}', "[" * 10_000])
def test_an_example_that_cannot_be_used_is_none(tmp_path, text):
    decoder = Decoder.of(Signature((Column("a", "double"),)))
    (tmp_path / EXAMPLE_FILE).write_text(text)
    assert len(made_rows(tmp_path, decoder)) == DRAWN


def test_a_row_that_the_model_refuses_is_left_out_and_none_left_is_said(tmp_path):
    told = golden(subject(write_toy(tmp_path / "nan", "nan", every=1)))
    assert "none" in told
    folder = write_toy(tmp_path / "toy", "raise_on")
    kept = golden(subject(folder))["rows"]
    assert 0 < len(kept) < DRAWN
    assert all(row[0] >= 0 for row in kept)
