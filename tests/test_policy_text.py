"""A policy as text: what is read from it is the policy that was given."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekit.notebook.policy_text import FILES, anchored, tables_of, toml_text
from gatekit.policy_file import read_policy

ROOT = Path(__file__).parents[1]
RICH = """
model = "m"
task = "binary"
positive = "yes"
score = "predict_proba"
suites = ["own/test_campaign.py"]

[data.holdout]
path = "h.parquet"
target = "y"
sensitive = ["sex", ["sex", "race"]]
slices = ["race"]
uses = 8

[data.reference]
path = "r.parquet"

[gates.accuracy]
floor = 0.9
slice_floor = 0.5

[gates.parity]

[gates.robustness]
robust_floor = 0.5

[gates.robustness.columns.age]
monotone = "rise"
min = 0.0

[own.campaign]
least = 0
level = 0.9
sums = ["own/metrics.py:profit"]

[promotion.staging]
requires = ["accuracy"]

[promotion.production]
from = "staging"
requires = ["parity"]
override = ["ladder"]

[runner]
memory_mb = 512
readable = ["words"]

[streaming]
processes = 2
"""
POLICIES = {
    "rich": RICH,
    "churn": (ROOT / "examples" / "churn" / "gates.toml").read_text(),
    "employment": (ROOT / "examples" / "employment" / "gates.toml").read_text(),
}


@pytest.mark.parametrize("text", POLICIES.values(), ids=POLICIES)
def test_a_policy_comes_back_from_its_text(text, tmp_path):
    (tmp_path / "gates.toml").write_text(text)
    policy = read_policy(tmp_path / "gates.toml")
    for tables in (tomllib.loads(text), tables_of(policy)):
        (tmp_path / "again.toml").write_text(toml_text(tables))
        again = read_policy(tmp_path / "again.toml")
        assert again.digest == policy.digest
        assert set(again.declared) == set(policy.declared)


def test_files_start_at_the_folder_of_the_policy(tmp_path):
    made = anchored(tomllib.loads(RICH), tmp_path)
    assert made["data"]["holdout"]["path"] == str(tmp_path / "h.parquet")
    assert made["data"]["reference"]["path"] == str(tmp_path / "r.parquet")
    assert made["suites"] == [str(tmp_path / "own" / "test_campaign.py")]
    assert made["runner"]["readable"] == [str(tmp_path / "words")]
    assert made["own"]["campaign"]["sums"] == [str(tmp_path / "own" / "metrics.py:profit")]
    assert made["gates"] == tomllib.loads(RICH)["gates"]
    keys = {"keys": {"ci": {"public": "ci.pub"}, "cd": {"public": "-----BEGIN PUBLIC KEY-----"}}}
    made = anchored(keys, tmp_path)["keys"]
    assert made["ci"]["public"] == str(tmp_path / "ci.pub")
    assert made["cd"] == keys["keys"]["cd"]


def test_every_key_that_names_a_file_is_known():
    """A further one would start at the wrong folder: the policy's page tells them by their words."""
    page = (ROOT / "docs" / "policy.md").read_text()
    said = re.findall(r"^\| `(\w+)` .*relative to this (?:file|one)", page, re.MULTILINE)
    assert set(said) == {where[-1] for where in FILES} | {"public", "sums"}


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
tables = st.recursive(
    st.dictionaries(text, values, max_size=4),
    lambda inner: st.dictionaries(text, values | inner, max_size=4),
    max_leaves=8,
)


@given(tables)
def test_any_tables_come_back_from_their_text(made):
    assert tomllib.loads(toml_text(made)) == made
