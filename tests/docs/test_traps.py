"""The table of traps names tests that there are, and each of its rows names one."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/promotion.md").read_text()
NAMED = re.findall(r"`(tests/[^`]+)::([^`]+)`", PAGE)


def test_the_table_is_there():
    table = PAGE.partition("\n| trap | test |\n")[2].partition("\n\n")[0].splitlines()[1:]
    assert len(table) >= 28
    assert [row for row in table if not re.search(r"`tests/[^`]+::[^`]+`", row)] == []


@cache
def standing_in(file):
    """The tests of a file that nothing skips as they stand there."""
    functions = [
        node
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    return [
        each.name
        for each in functions
        if not any(re.search("skip|xfail", ast.unparse(mark)) for mark in each.decorator_list)
    ]


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_the_test_is_there(file, name):
    assert standing_in(file).count(name) == 1
