"""What follows the pages: it can be wrong about a page, and says so."""

import pytest

from .pages import Block, Follower, blocks, expected, steps

SHOWN = "...\nname   0.93  [..., 0.95]\nlast\n...\n"


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("first\nsecond\nname   0.93  [0.9, 0.95]\nlast\nmore\n", True),
        ("name   0.93  [, 0.95]\nlast\n", True),
        ("name   0.94  [0.9, 0.95]\nlast\n", False),
        ("name   0.93  [0.9, 0.95]\n", False),
        ("name   0.93  [0.9\n, 0.95]\nlast\n", False),
    ],
)
def test_dots_stand_for_lines_or_for_a_part_of_one(said, fits):
    assert bool(expected(SHOWN).fullmatch(said)) is fits


def test_blocks_and_their_words_are_read(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "a\n\n```toml file=x/gates.toml\nb = 1\n```\n\n  ```console\n  $ c\n  d\n  ```\n"
    )
    first, second = blocks(page)
    assert (first.file, first.text, first.line) == ("x/gates.toml", "b = 1\n", 3)
    assert second.is_run_here
    assert steps(second) == [("c", "d\n")]


@pytest.mark.parametrize(
    "text",
    [
        "$ gatekit plan --floor 0.9 --rows 400\nnothing of the kind\n",
        "$ gatekit plan --floor 2\n",  # it ends with 4, and nobody asks
        "$ gatekit plan --floor 2\n$ gatekit plan --floor 0.9 --rows 400\n",
        "$ gatekit plan --floor 2\n$ echo $?\n0\n",
        "$ rm everything\n",
    ],
)
def test_a_page_that_is_wrong_is_found_out(text, monkeypatch, capsys):
    with pytest.raises((AssertionError, KeyError)):
        Follower(None, monkeypatch, capsys).follow(Block("console", "", text, 1))
