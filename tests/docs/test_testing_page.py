"""docs/testing.md: its table is the zoo's, and its example runs."""

import re
from pathlib import Path

import pyarrow.parquet as pq

from gatekit.testing import zoo

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")


def test_the_table_names_every_pair_under_its_suite():
    rows = dict(re.findall(r"^\| (\w+) \| (`.+) \|$", PAGE, re.MULTILINE))
    shown = {suite: re.findall(r"`(\w+)`", cell) for suite, cell in rows.items()}
    held = {}
    for pair in zoo.PAIRS:
        held.setdefault(pair.suite, []).append(pair.name)
    assert shown == held


def test_the_toy_is_a_model_and_its_rows_have_labels(tmp_path):
    (example,) = re.findall(
        r"```python[^\n]*\n(from gatekit.testing import toy.+?)```", PAGE, re.DOTALL
    )
    names = {"tmp_path": tmp_path}
    exec(example, names)
    assert (names["folder"] / "MLmodel").is_file()
    assert pq.read_table(tmp_path / "holdout.parquet")["label"].length() == 400


def test_the_example_tells_a_pair_apart(pytester):
    (example,) = re.findall(r"```python[^\n]*\n(import subprocess.+?)```", PAGE, re.DOTALL)
    picked = "zoo.PAIRS, ids=lambda pair: pair.name"
    assert picked in example
    one = "[p for p in zoo.PAIRS if p.name == 'reads_columns_by_place']"
    example = example.replace("zoo.PAIRS, ids=lambda pair: pair.name", one)
    pytester.makepyfile(test_example=example)
    (pytester.path / "pytest.ini").write_text("[pytest]\naddopts = -p no:locust\n")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
