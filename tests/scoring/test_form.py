"""A compiled model at rest: the same bytes for the same model, no code in it, broken ones named."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekit.errors import CandidateError
from gatekit.scoring.engines import load_compiled
from gatekit.scoring.form import Form
from gatekit.scoring.signature import Column, Signature

SIGNATURE = Signature((Column("a", "double"), Column("b", "double")))
LINEAR = {
    "do": "linear",
    "coefficients": np.array([[1.5, -2.0]]),
    "intercept": np.array([0.25]),
    "classes": np.array(["no", "yes"], dtype=object),
    "odds": "expit",
}
FORM = Form(SIGNATURE, (), LINEAR, by_columns=False, classes=("no", "yes"))


def test_it_answers_after_a_rest():
    engine = load_compiled(FORM.pack())
    assert engine.predict_rows([(1.0, 0.0), (0.0, 1.0)]).tolist() == ["yes", "no"]
    assert engine.form == FORM.pack()


def test_arrays_words_tables_and_bytes_come_back_as_they_were():
    odd = {
        "do": "scale",
        "mean": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "divisor": None,
        "codes": [{"x": 1, 2: 3.5, True: 0}],
        "grown": b"\x00\xff" * 5,
        "none": np.array([], dtype=np.int64),
    }
    back = Form.unpack(Form(SIGNATURE, (odd,), LINEAR, by_columns=False).pack()).steps[0]
    assert back["mean"].flags.f_contiguous
    assert back["mean"].tolist() == odd["mean"].tolist()
    assert back["codes"] == odd["codes"]
    assert [type(key) for key in back["codes"][0]] == [str, int, bool]
    assert (back["grown"], back["none"].size, back["divisor"]) == (odd["grown"], 0, None)


def test_an_object_of_python_does_not_get_in():
    with pytest.raises(CandidateError, match="holds a object"):
        Form(SIGNATURE, ({"do": "scale", "mean": object()},), LINEAR, by_columns=False).pack()


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_broken_file_is_named_or_is_another_model(at, value):
    raw = bytearray(FORM.pack())
    raw[at % len(raw)] = value
    for broken in (bytes(raw), bytes(raw[:-9])):
        # nothing but this error comes out, whatever was broken
        with contextlib.suppress(CandidateError):
            load_compiled(broken)


def test_a_part_that_is_not_known_is_refused():
    strange = Form(SIGNATURE, ({"do": "conjure"},), LINEAR, by_columns=False).pack()
    with pytest.raises(CandidateError, match="'conjure', which is not known"):
        load_compiled(strange)
