"""The pages whose code blocks are run: each in its own copy of one small project."""

import re
import shutil
from pathlib import Path

# loaded once: pytester unloads what a run in this process loads, and `cryptography` bears no twin
import cryptography.hazmat.primitives.asymmetric.ed25519
import cryptography.hazmat.primitives.serialization  # noqa: F401
import numpy as np
import pytest

import gatekit_pytest.session  # noqa: F401 - loaded once, or every run in this process would again
from gatekit.gates import accuracy, safety, schema  # noqa: F401
from gatekit.registry.folder import FolderRegistry
from gatekit.testing import write_toy

from .pages import ROOT, Follower, blocks, pages

ELSEWHERE = ("README.md", "docs/tutorial.md")  # below, and in test_tutorial.py
ALL = {page: blocks(page) for page in pages()}
NAMES = [page.relative_to(ROOT).as_posix() for page in ALL]
PAGES = [
    page
    for page, found in ALL.items()
    if any(block.is_run_here or block.file for block in found)
    and page.relative_to(ROOT).as_posix() not in ELSEWHERE
]
PROVED = """model = "churn-model"

[data.holdout]
path = "data/holdout.csv"
target = "churn"

[gates.accuracy]
floor = 0.9

[promotion.staging]
requires = ["accuracy"]

[promotion.production]
requires = ["accuracy"]
"""
HELD = ("monitoring.md", "night-call.md")  # pages that begin where version 2 holds production


def write_rows(path, rows, target):
    columns = ("calls", "months", "bill", target)
    head = ",".join(columns)
    np.savetxt(path, rows, delimiter=",", header=head, comments="", fmt=["%.4f"] * 3 + ["%.6g"])


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """A folder registry with two models, and their rows; MLflow is not asked."""
    root = tmp_path_factory.mktemp("ground")
    random = np.random.default_rng(38)
    calls, months = random.normal(3, 1.5, 800), random.uniform(1, 60, 800)
    bill = random.normal(40, 12, 800)
    leaves = calls + random.normal(0, 0.25, 800) > 3
    spend = 10 * calls + random.normal(0, 0.8, 800)
    (root / "data").mkdir()
    features = np.column_stack([calls, months, bill])
    write_rows(root / "data/holdout.csv", np.column_stack([features, leaves]), "churn")
    write_rows(root / "data/small.csv", np.column_stack([features, leaves])[:150], "churn")
    write_rows(root / "data/spend.csv", np.column_stack([features, spend]), "spend")
    registry = FolderRegistry(root / "registry")
    columns = ("calls", "months", "bill")
    for number, bar in enumerate((3.0, 3.02)):
        toy = write_toy(root / f"churn-{number}", "threshold", columns, t=bar)
        registry.register("churn-model", toy)
    registry.register("spend-model", write_toy(root / "spend", "number", columns))
    (root / "gates.toml").write_text(PROVED)
    (root / "pyproject.toml").write_text('[tool.gatekit]\nregistry = "folder:registry"\n')
    plugins = "-p no:locust -p no:schemathesis -p no:cacheprovider"
    (root / "pytest.ini").write_text(f"[pytest]\naddopts = {plugins}\n")
    return root


@pytest.fixture(scope="module")
def held(ground, tmp_path_factory):
    """The same with a past, filled by the first page that needs it."""
    return tmp_path_factory.mktemp("held") / "ground"


@pytest.fixture
def follower(pytester, monkeypatch, capsys, light):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "GATEKIT_SIGNING_KEY"):
        monkeypatch.delenv(name, raising=False)
    return Follower(pytester, monkeypatch, capsys)


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_a_page_does_what_it_says(page, ground, held, follower, pytester):
    shutil.copytree(ground, pytester.path, dirs_exist_ok=True)
    if page.name in HELD:
        if not held.exists():
            for version in ("1", "2"):
                uri = f"models:/churn-model/{version}"
                follower.run(f"pytest --model-uri {uri} --promote-to production")
            shutil.copytree(pytester.path, held)
        shutil.copytree(held, pytester.path, dirs_exist_ok=True)
    for block in ALL[page]:
        follower.follow(block)


def test_the_gate_of_the_readme_is_one(ground, follower, pytester):
    shutil.copytree(ground, pytester.path, dirs_exist_ok=True)
    (block,) = (each for each in ALL[ROOT / "README.md"] if each.language == "python")
    Path("test_campaign.py").write_text(block.text)
    (bars,) = re.findall(
        r"^pytestmark.*#  ?(\[own\.campaign\]) (least = 0) in", block.text, re.MULTILINE
    )
    with Path("gates.toml").open("a") as policy:
        policy.write("\n".join(("", *bars, "")))
    assert "PASSED" in follower.run("pytest --model-uri models:/churn-model/1 test_campaign.py")
    assert follower.code == 0


@pytest.mark.parametrize("page", ALL, ids=NAMES)
def test_every_block_says_what_becomes_of_it(page):
    for block in ALL[page]:
        if block.language not in ("python", "console") or block.is_run_here or block.file:
            continue
        by = re.fullmatch(r"run by (tests/\S+\.py)", block.words)
        assert by or re.fullmatch(r"not run: \w.+", block.words), (
            f"line {block.line}: {block.words}"
        )
        assert not by or (ROOT / by[1]).is_file()
