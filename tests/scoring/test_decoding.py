"""The fast decoder gives casting's rows or none: casting alone has the word, and the sentence."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekit.errors import BadRows
from gatekit.scoring.casting import Decoder
from gatekit.scoring.decoding import FORMS, FastDecoder
from gatekit.scoring.signature import Column, Signature
from gatekit.scoring.tables import rows_to_array, to_array

MIXED = Signature(
    (
        Column("a", "double"),
        Column("b c", "long"),
        Column("n", "float"),
        Column("w", "string"),
        Column("t", "boolean"),
        Column("i", "integer"),
    )
)
NUMBERS = Signature((Column("a", "double"), Column("b", "float"), Column("c", "long")))
GOOD = [1.5, 2, 0.25, "x", True, -3]
FAST, SLOW = FastDecoder.of(MIXED), Decoder.of(MIXED)
CELLS = (
    st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([None, True, "x", "", "\ud800", 1.0, 3.5e38, 2.0**127, [], {}])
)
NAMES = list(MIXED.names)


def forms(rows, names):
    return {
        "features": rows,
        "dataframe_split": {"columns": names, "data": rows},
        "dataframe_records": [dict(zip(names, row, strict=False)) for row in rows],
        "instances": rows,
        "inputs": {n: [row[at] for row in rows] for at, n in enumerate(names)},
    }


@pytest.mark.parametrize("form", FORMS)
def test_rows_in_their_plainest_form_are_read_fast(form):
    body = {form: forms([GOOD, GOOD], NAMES)[form], "index": [0, 1]}
    assert FAST.rows(json.dumps(body).encode()) == [tuple(GOOD)] * 2


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(FORMS),
    st.lists(st.lists(CELLS, min_size=6, max_size=6), max_size=3),
    st.permutations(NAMES),
    st.booleans(),
)
def test_what_is_read_fast_is_what_casting_reads(form, rows, names, as_named):
    good = [*rows, GOOD] if as_named else rows
    body = {form: forms(good, NAMES if as_named else list(names))[form]}
    raw = json.dumps(body).encode()
    fast = FAST.rows(raw)
    try:
        slow = SLOW.decode(json.loads(raw))
    except BadRows:
        assert fast is None
        return
    if fast is not None:
        table = SLOW.decode({"features": [list(row) for row in fast]})
        assert table.equals(slow)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-1e300, 1e300),
            st.floats(width=32, allow_nan=False, allow_infinity=False),
            st.integers(-(2**63), 2**63 - 1),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_an_array_of_fast_rows_is_the_array_of_the_table(rows):
    raw = json.dumps({"features": rows}).encode()
    fast = FastDecoder.of(NUMBERS).rows(raw)
    assert fast is not None
    table = Decoder.of(NUMBERS).decode(json.loads(raw))
    assert rows_to_array(fast, NUMBERS).tobytes("F") == to_array(table).tobytes("F")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"features": []}',
        b'{"features": [[NaN, 1, 1, "x", true, 1]]}',
        b'{"features": [[1, 1.5, 1, "x", true, 1]]}',
        b'{"features": [[1, null, 1, "x", true, 1]]}',
        b'{"features": [[1, 1, 3.41e38, "x", true, 1]]}',
        b'{"features": [[1, 1, 1, "x", true, 2147483648]]}',
        b'{"features": [[1, 1, 1, "x", true, 1]], "inputs": [[1, 1, 1, "x", true, 1]]}',
        b'{"inputs": {"a": [1], "b c": [1, 2], "n": [1], "w": ["x"], "t": [true], "i": [1]}}',
        b'{"instances": [[1, 1, 1, "x", true, 1], {"a": 1}]}',
    ],
)
def test_everything_else_is_left_to_casting(raw):
    assert FAST.rows(raw) is None


def test_the_largest_number_of_32_bits_is_where_casting_has_it():
    low, high = 3.4028235677973362e38, 3.402823567797337e38
    for value, fits in ((low, True), (high, False)):
        raw = json.dumps({"features": [[1.0, 1, value, "x", True, 1]]}).encode()
        assert (FAST.rows(raw) is not None) == fits
        if fits:
            SLOW.decode(json.loads(raw))
        else:
            with pytest.raises(BadRows, match="out of range"):
                SLOW.decode(json.loads(raw))


@pytest.mark.parametrize(
    "column",
    [Column("a", "double", required=False), Column("a", "datetime"), Column("a", "binary")],
)
def test_a_signature_that_only_casting_reads_has_no_fast_decoder(column):
    assert FastDecoder.of(Signature((column,))) is None
