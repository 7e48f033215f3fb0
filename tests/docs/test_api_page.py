"""docs/api.md against the package: every public name, each with a docstring, and no other."""

import re
from pathlib import Path

import gatekit

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
MOST = 40


def test_the_page_lists_the_public_names_and_no_other():
    listed = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert listed == sorted(gatekit.__all__)
    assert len(listed) <= MOST


def test_each_can_be_imported_and_says_what_it_is():
    for name in gatekit.__all__:
        found = getattr(gatekit, name)
        assert isinstance(found, str) or (found.__doc__ or "").strip(), name
    assert (Path(gatekit.__file__).parent / "py.typed").exists()
