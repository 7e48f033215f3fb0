"""The table of traps names tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.findall(r"`(tests/[^`]+)::([^`]+)`", (ROOT / "docs/promotion.md").read_text())


def test_the_table_is_there():
    assert len(NAMED) > 30


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_the_test_is_there(file, name):
    assert f"def {name}(" in (ROOT / file).read_text()
