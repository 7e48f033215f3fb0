"""JSON payloads against a signature: a table that fits, or one sentence without a value."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekit.errors import BadRows
from gatekit.scoring.casting import Decoder, decode, to_rows
from gatekit.scoring.signature import Column, Signature, arrow_type
from gatekit.scoring.tables import conform

SIGNATURE = Signature(
    (
        Column("age", "double"),
        Column("visits", "long"),
        Column("plan", "string"),
        Column("active", "boolean"),
        Column("seen", "datetime"),
        Column("note", "string", required=False),
    )
)
ROW = {
    "age": 41.5,
    "visits": 3,
    "plan": "pro",
    "active": True,
    "seen": "2024-02-29T12:00:00",
    "note": None,
}
NAMES, CELLS = list(ROW), list(ROW.values())


def one(**changed):
    return {"dataframe_records": [{**ROW, **changed}]}


def without(name):
    return {k: v for k, v in ROW.items() if k != name}


@pytest.mark.parametrize(
    "payload",
    [
        {"features": [CELLS]},
        {"dataframe_split": {"columns": NAMES, "data": [CELLS]}},
        {"dataframe_split": {"columns": NAMES[::-1], "data": [CELLS[::-1]]}},
        {"dataframe_records": [ROW]},
        {"inputs": [CELLS]},
        {"inputs": {name: [cell] for name, cell in ROW.items()}},
    ],
)
def test_every_form_gives_the_same_table(payload):
    table = decode(payload, SIGNATURE)
    assert table.equals(decode({"dataframe_records": [ROW]}, SIGNATURE))
    assert table.column_names == NAMES
    assert table["visits"].to_pylist() == [3]


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (one(age=40), [40.0, 3]),
        (one(visits=3.0), [41.5, 3]),
        (one(visits=-0.0), [41.5, 0]),
        (one(visits=2**63 - 1), [41.5, 2**63 - 1]),
    ],
)
def test_a_number_that_means_the_same_is_taken(payload, said):
    table = decode(payload, SIGNATURE)
    assert [table["age"][0].as_py(), table["visits"][0].as_py()] == said


def test_a_time_with_a_zone_becomes_utc():
    table = decode(one(seen="2024-02-29T12:00:00+02:00"), SIGNATURE)
    assert table["seen"][0].as_py().isoformat() == "2024-02-29T10:00:00"


def test_an_optional_column_may_be_left_out():
    table = decode({"dataframe_records": [without("note")]}, SIGNATURE)
    assert table.column_names == NAMES[:-1]


@pytest.mark.parametrize(
    ("kind", "empty"),
    [
        ("double", float("nan")),  # as MLflow's own input example has it
        ("float", float("nan")),
        ("datetime", "NaT"),
        *[(kind, None) for kind in ("double", "float", "datetime", "string", "boolean", "binary")],
    ],
)
def test_what_is_empty_is_empty_in_an_optional_column_and_refused_in_another(kind, empty):
    rows = {"features": [[1.0, empty]]}
    table = decode(rows, Signature((Column("x", "double"), Column("y", kind, required=False))))
    assert table["y"].to_pylist() == [None]
    with pytest.raises(BadRows, match="'y', row 0"):
        decode(rows, Signature((Column("x", "double"), Column("y", kind))))


@pytest.mark.parametrize("kind", ["long", "integer"])
def test_a_whole_number_is_never_empty(kind):
    """MLflow itself would refuse the frame, whatever the signature says."""
    signature = Signature((Column("x", "double"), Column("y", kind, required=False)))
    for empty in (None, float("nan")):
        with pytest.raises(BadRows, match="'y', row 0"):
            decode({"features": [[1.0, empty]]}, signature)


REFUSED = [
    (one(age=True), "column 'age', row 0: a boolean where the signature says double"),
    (one(age="41"), "column 'age', row 0: a string where the signature says double"),
    (one(age=None), "column 'age', row 0: null where"),
    (one(age=float("nan")), "a number that is not finite"),
    (one(age=10**400), "a number out of range"),
    (one(age=[1]), "a list where"),
    (one(visits=3.5), "a number with a fraction where the signature says long"),
    (one(visits=2**63), "a number out of range"),
    (one(visits=1e19), "a number out of range"),
    (one(visits=float("inf")), "not finite"),
    (one(plan=7), "column 'plan', row 0: a number where"),
    (one(plan="\ud800"), "a string with half a character"),
    (one(active=1), "column 'active', row 0: a number"),
    (one(seen="yesterday"), "not an ISO 8601 time"),
    (one(seen="0001-01-01T00:00:00+14:00"), "not an ISO 8601 time"),
    (one(seen="1500-01-01"), "a time out of range"),
    (one(extra=1), "unknown column 'extra'"),
    ({"dataframe_records": [ROW, without("plan")]}, "row 1 has no 'plan'"),
    ({"dataframe_records": [ROW, 3]}, "row 1 is a number, not an object"),
    ({"features": [CELLS, CELLS[:-1]]}, "row 1 has 5 values, not one for each of 6 columns"),
    ({"features": []}, "no rows"),
    ({"features": [5]}, "row 0 is a number"),
    ({"features": {}}, "an object"),
    ({"dataframe_split": {"columns": ["age", "age"], "data": []}}, "'age' twice"),
    ({"dataframe_split": {"data": []}}, "'columns' and 'data'"),
    ({"inputs": {"age": [1], "visits": [1, 2]}}, "not of equal length"),
    ({"inputs": {"age": 1}}, "'age' is a number, not a list"),
    ({"inputs": {"age": [1.0]}}, "missing columns 'visits', 'plan', 'active' and 1 more"),
    ({"features": [CELLS], "inputs": []}, "both 'features' and 'inputs'"),
    ({}, "dataframe_split"),
    ([CELLS], "a list, not an object"),
]


@pytest.mark.parametrize(("payload", "words"), REFUSED)
def test_rows_that_do_not_fit_are_refused_in_one_sentence(payload, words):
    with pytest.raises(BadRows) as caught:
        decode(payload, SIGNATURE)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_row_is_named_by_its_number():
    rows = [[1.0], [2.0], [None]]
    with pytest.raises(BadRows, match="'x', row 2: null"):
        decode({"features": rows}, Signature((Column("x", "double"),)))


def test_a_double_too_large_for_a_float_is_refused():
    with pytest.raises(BadRows, match="out of range"):
        decode({"features": [[1e300]]}, Signature((Column("x", "float"),)))


def test_binary_comes_as_base64():
    signature = Signature((Column("x", "binary"),))
    assert decode({"features": [["AAE="]]}, signature)["x"].to_pylist() == [b"\x00\x01"]
    with pytest.raises(BadRows, match="not base64"):
        decode({"features": [["??"]]}, signature)


def test_a_large_finite_column_is_taken():
    table = decode({"features": [[1e308], [1e308]]}, Signature((Column("x", "double"),)))
    assert table["x"].to_pylist() == [1e308, 1e308]


def test_rows_of_a_table_decode_to_the_table():
    table = decode({"dataframe_records": [ROW, {**ROW, "note": "x", "visits": -1}]}, SIGNATURE)
    again = decode({"features": json.loads(json.dumps(to_rows(table)))}, SIGNATURE)
    assert again.equals(table)


# Values that cannot stand in a sentence by chance: digits and letters of their own.
marked_text = st.integers(10**6, 10**9).map(lambda n: f"zz{n}")
marked_number = st.one_of(
    st.integers(10**6, 10**12), st.integers(10**6, 10**9).map(lambda n: n + 0.5)
)
cell = st.one_of(st.none(), st.booleans(), marked_text, marked_number, st.just(float("nan")))
value = st.recursive(cell, lambda inner: st.lists(inner, max_size=3), max_leaves=6)
record = st.dictionaries(st.sampled_from([*NAMES, "other"]), value, max_size=7)
rows = st.one_of(st.lists(st.lists(value, min_size=5, max_size=7), max_size=3), value)
likely = st.fixed_dictionaries(
    {
        "age": marked_number,
        "visits": st.one_of(marked_number, marked_text),
        "plan": st.one_of(marked_text, cell),
        "active": st.one_of(st.booleans(), cell),
        "seen": st.sampled_from(["2024-01-01", "2019-12-31T23:59:59Z"]),
    },
    optional={"note": cell},
)
payloads = st.one_of(
    value,
    st.fixed_dictionaries({"features": rows}),
    st.fixed_dictionaries(
        {"inputs": st.one_of(rows, st.dictionaries(st.sampled_from(NAMES), value))}
    ),
    st.fixed_dictionaries({"dataframe_records": st.lists(st.one_of(record, likely), max_size=3)}),
    st.fixed_dictionaries({"dataframe_records": st.lists(likely, min_size=1, max_size=3)}),
    st.fixed_dictionaries(
        {
            "dataframe_split": st.fixed_dictionaries(
                {"columns": st.lists(st.sampled_from(NAMES), max_size=6), "data": rows}
            )
        }
    ),
)


def leaves(payload):
    if isinstance(payload, dict):
        return [leaf for inner in payload.values() for leaf in leaves(inner)]
    if isinstance(payload, list):
        return [leaf for inner in payload for leaf in leaves(inner)]
    return [payload]


@given(payloads)
def test_any_payload_gives_a_table_that_fits_or_a_sentence_without_its_values(payload):
    try:
        table = Decoder.of(SIGNATURE).decode(payload)
    except BadRows as error:
        told = str(error)
        for leaf in leaves(payload):
            if (
                isinstance(leaf, (int, float, str))
                and len(str(leaf)) > 6
                and str(leaf) not in NAMES
            ):
                assert str(leaf) not in told
    else:
        assert table.num_rows > 0
        assert conform(table, SIGNATURE).equals(table)
        for column in SIGNATURE.inputs:
            if column.name in table.column_names:
                assert table[column.name].type == arrow_type(column.type)
                assert not (column.required and table[column.name].null_count)


@given(st.lists(likely, min_size=1, max_size=3))
def test_what_fits_is_taken_unchanged(records):
    fitting = [
        {**r, "visits": int(r["age"]), "plan": "p", "active": True, "note": None} for r in records
    ]
    table = decode({"dataframe_records": fitting}, SIGNATURE)
    assert np.array_equal(table["age"].to_numpy(), [float(r["age"]) for r in fitting])
    assert table["visits"].type == pa.int64()
