"""What docs/plan.md shows is what `gatekit plan` prints."""

import re
import shlex
from pathlib import Path

import pytest

from gatekit import cli

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "plan.md").read_text(encoding="utf-8")
SHOWN = re.findall(
    r"^    \$ (gatekit plan.*)\n((?:    .*\n|\n(?=    |\n    ))*)", PAGE, re.MULTILINE
)


@pytest.fixture
def ten_lines(tmp_path, monkeypatch):
    """A project with the short policy of docs/policy.md, and no holdout yet."""
    text = (DOCS / "policy.md").read_text(encoding="utf-8")
    (tmp_path / "gates.toml").write_text(
        re.search(r"```toml\n(model = .*?)```", text, re.DOTALL)[1]
    )
    monkeypatch.chdir(tmp_path)


def test_the_page_shows_every_kind_of_plan():
    assert len(SHOWN) == PAGE.count("$ gatekit plan") == 3


@pytest.mark.parametrize(("line", "shown"), SHOWN, ids=[line for line, _ in SHOWN])
def test_the_page_shows_what_is_printed(ten_lines, capsys, line, shown):
    assert cli.main(shlex.split(line)[1:]) == 0
    printed = capsys.readouterr().out
    assert [row[4:] for row in shown.rstrip().splitlines()] == printed.splitlines()
    assert "rows needed" in printed


def test_the_rows_named_in_the_text_are_in_the_tables():
    assert re.search(r"^ *0\.92 +PASSED +1,365 ", PAGE, re.MULTILINE)
    from gatekit.stats.quantile import rows_for_upper_bound

    assert rows_for_upper_bound(0.99, 0.95) == 299
    assert 3 * (1 - 0.94) <= 1 - 0.8  # three misses at most add up, whatever hangs on what
