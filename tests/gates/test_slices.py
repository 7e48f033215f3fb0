"""The worst slice as a suite asks for it; the model's answers are given, none is loaded."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gatekit.data import open_holdout
from gatekit.errors import DataError
from gatekit.gate import Ask
from gatekit.gates import accuracy
from gatekit.policy import DataSpec
from gatekit.policy_gates import AccuracyGate
from gatekit.scoring.signature import Signature
from gatekit.verdict import Outcome, decide

from .test_labels import Says

BY_REGION = (("region",),)


@pytest.fixture
def measure(tmp_path):
    """Slice counts in, the estimate and its verdict at 0.8 out."""

    def ask(blocks, slices=BY_REGION, bar=0.8, level=0.95, support=30):
        """`blocks`: one of ({column: value}, rows, rows right) each."""
        columns = {name: [] for name in blocks[0][0]}
        said = []
        for values, rows, right in blocks:
            for name, value in values.items():
                columns[name] += [value] * rows
            said += [1] * right + [0] * (rows - right)
        table = pa.table({**columns, "label": [1] * len(said)})
        pq.write_table(table, tmp_path / "holdout.parquet")
        spec = DataSpec(path="holdout.parquet", target="label", slices=slices)
        holdout = open_holdout(spec, tmp_path)
        holdout.check(Signature(()))
        settings = AccuracyGate(slice_floor=bar, slice_support=support)
        asked = Ask(level, 1, settings)
        found = accuracy.worst_slice(Says(np.array(said)), holdout, ask=asked)
        return found, decide(found, ">=", 0.8).outcome

    return ask


def region(name, rows, right):
    return {"region": name}, rows, right


def test_every_slice_clears_the_floor(measure):
    found, outcome = measure([region("north", 400, 360), region("south", 200, 176)])
    assert outcome is Outcome.PASSED
    assert found.value == 0.88
    assert found.n == 600
    assert [line.split()[0] for line in found.detail] == ["clear", "clear"]
    assert found.detail[0].startswith("clear        region=south: 0.880 [")


def test_one_bad_slice_fails_and_is_named_first(measure):
    found, outcome = measure(
        [region("east", 100, 80), region("north", 400, 380), region("south", 100, 55)]
    )
    assert outcome is Outcome.FAILED
    assert found.detail[0].startswith("FAILED       region=south: 0.550")
    assert found.detail[1].startswith("INCONCLUSIVE region=east: 0.800")
    assert found.detail[2].startswith("clear        region=north")


def test_an_undecided_slice_says_how_many_rows_would_decide(measure):
    found, outcome = measure([region("north", 400, 380), region("south", 100, 84)])
    assert outcome is Outcome.INCONCLUSIVE
    assert found.value == 0.84
    assert "rows in all would decide" in found.detail[0]


def test_a_slice_under_the_support_is_seen_and_blocks_but_never_fails(measure):
    found, outcome = measure([region("north", 400, 380), region("tiny", 29, 0)])
    assert outcome is Outcome.INCONCLUSIVE
    assert found.detail[0] == "INCONCLUSIVE region=tiny: 29 rows, 30 are needed to judge it"
    assert found.rows_for_bound == math.ceil(429 * 30 / 29)
    assert measure([region("north", 400, 380), region("tiny", 29, 0)], support=29)[1] == "FAILED"


def test_nothing_but_small_slices_is_inconclusive(measure):
    found, outcome = measure([region("a", 20, 20), region("b", 20, 2)])
    assert outcome is Outcome.INCONCLUSIVE
    assert (found.value, found.low, found.high) == (0.1, -math.inf, math.inf)


def test_a_point_decision_does_not_pass_a_small_slice(measure):
    blocks = [region("north", 400, 321), region("south", 100, 81)]
    assert measure(blocks, level=0.5)[1] is Outcome.PASSED
    assert measure([*blocks, region("tiny", 5, 5)], level=0.5)[1] is Outcome.INCONCLUSIVE


CROSSED = (("region",), ("region", "plan"))


def block(where, plan, rows, right):
    return {"region": where, "plan": plan}, rows, right


def test_a_defect_in_one_crossing_is_found_there(measure):
    blocks = [
        block("north", "basic", 300, 285),
        block("north", "pro", 100, 50),
        block("south", "basic", 300, 285),
        block("south", "pro", 300, 285),
    ]
    found, outcome = measure(blocks, CROSSED)
    assert outcome is Outcome.FAILED
    assert found.detail[0].startswith("FAILED       region=north plan=pro: 0.500")
    assert len(found.detail) == 6
    assert measure(blocks)[1] is not Outcome.FAILED  # by region alone it hides


def test_an_empty_crossing_is_seen_and_blocks(measure):
    blocks = [block("north", "basic", 300, 285), block("south", "pro", 300, 285)]
    found, outcome = measure(blocks, CROSSED)
    assert outcome is Outcome.INCONCLUSIVE
    assert "INCONCLUSIVE region=north plan=pro: 0 rows, 30 are needed to judge it" in found.detail
    assert found.rows_for_bound is None


def test_many_slices_are_named_worst_first_in_twenty_lines(measure):
    blocks = [region(f"r{i:02}", 100, 99 - i) for i in range(40)]
    found, _ = measure(blocks)
    assert len(found.detail) == 20
    assert found.detail[0].startswith("FAILED       region=r39: 0.600")
    assert found.detail[-1].startswith("and 21 slices more: ")


def test_without_a_bar_slices_are_shown(measure):
    found, _ = measure([region("north", 40, 30), region("south", 40, 10)], bar=None)
    assert [line.split()[:2] for line in found.detail] == [
        ["shown", "region=south:"],
        ["shown", "region=north:"],
    ]


def test_no_declared_slices_give_no_number(measure):
    found, outcome = measure([region("north", 40, 30)], slices=())
    assert math.isnan(found.value)
    assert outcome is Outcome.FAILED


def test_a_column_with_too_many_values_is_refused(measure):
    many = [region(f"r{i}", 2, 2) for i in range(51)]
    with pytest.raises(DataError, match="'region' has 51 different values"):
        measure(many)
    assert measure(many[:50])[1] is Outcome.INCONCLUSIVE


def test_too_many_crossings_are_refused(measure):
    blocks = [({"a": i, "b": i, "c": i}, 1, 1) for i in range(40)]
    with pytest.raises(DataError, match="crossing a, b, c makes 64,000 slices"):
        measure(blocks, (("a", "b", "c"),))


def test_a_column_that_is_not_there_is_refused(measure):
    with pytest.raises(DataError, match="no column 'plan'"):
        measure([region("north", 40, 30)], CROSSED)
