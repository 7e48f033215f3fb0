"""No part is dropped, none counts twice, and each has the rows that its file says."""

from dataclasses import fields

import pytest

from gatekit.errors import DataError
from gatekit.evidence.whole import Evidence
from gatekit.parts import Part
from gatekit.streaming.reconciling import reconciled
from gatekit.streaming.share import shares
from gatekit.streaming.task import Counted

PARTS = tuple(Part("", "h.parquet", place, 10 + place) for place in range(3))


def counted(*places, rows=None, told=None):
    held = tuple((PARTS[place].id, rows or PARTS[place].rows) for place in places)
    total = sum(many for _, many in held) if told is None else told
    return Counted(held, Evidence(total, *({} for _ in fields(Evidence)[1:])))


def test_all_parts_once_in_any_order_are_the_whole():
    assert reconciled(PARTS, [counted(2), counted(0, 1)]).rows == 33


WRONG = {
    "missing": ([counted(0), counted(1)], r"h.parquet#2 of 3 parts was not counted"),
    "two missing": ([counted(1)], r"h.parquet#0 and 1 more of 3 parts was not counted"),
    "none at all": ([], "h.parquet#0 and 2 more"),
    "twice": ([counted(0, 1), counted(2), counted(1)], r"h.parquet#1 was counted twice"),
    "other rows": ([counted(0, rows=9)], r"h.parquet#0 has 10 rows by its metadata, and 9 were"),
    "other evidence": ([counted(0, told=5)], "evidence of 5 rows came for parts of 10"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_anything_else_is_an_error_that_says_which(kind):
    given, words = WRONG[kind]
    with pytest.raises(DataError, match=words):
        reconciled(PARTS, given)


def test_a_part_of_other_data_is_an_error():
    stray = Counted((("other.parquet#0", 10),), counted(0).evidence)
    with pytest.raises(DataError, match=r"other.parquet#0 was counted and is no part"):
        reconciled(PARTS, [stray])


def test_shares_hold_each_part_once():
    for slots in (1, 2, 9):
        dealt = [part for share in shares(PARTS, slots) for part in share]
        assert sorted(dealt, key=lambda part: part.place) == list(PARTS)


@pytest.mark.parametrize(("parts", "many"), [(3, 2), (31, 2), (32, 4)])
def test_many_parts_make_two_shares_for_each_slot(parts, many):
    dealt = shares(PARTS[:1] * parts, 2)
    assert (len(dealt), sum(map(len, dealt))) == (many, parts)
