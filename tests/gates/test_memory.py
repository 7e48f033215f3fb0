"""A leak is found; its twin that keeps nothing is not called one."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from gatekit.candidate import describe
from gatekit.data import open_holdout
from gatekit.gate import Ask
from gatekit.gates import memory
from gatekit.policy import DataSpec
from gatekit.policy_gates import MemoryGate
from gatekit.registry import ModelVersion
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.runner.watching import Memory
from gatekit.subject import Subject
from gatekit.subject_spec import SubjectSpec
from gatekit.testing import toy_holdout, write_toy
from tests.runner.test_runner_walls import LOADER, ROOT, write_hostile

ASK = Ask(0.95, 0, MemoryGate())


class Held(Subject):
    """Says that it held these megabytes."""

    def __init__(self, held_mb):
        self.held_mb = np.asarray(held_mb, dtype=float)

    def memory(self, holdout, calls):
        return Memory(self.held_mb.max(), self.held_mb)


def growth(held_mb, calls=4000):
    return memory.growth(Held(held_mb), None, ask=Ask(0.95, 0, MemoryGate(calls=calls)))


def test_a_steady_leak_has_its_rate():
    found = growth(100 + np.arange(20) * 0.2)  # 0.2 MB in 200 calls
    assert found.value == pytest.approx(1024)
    assert found.low == pytest.approx(1024)


def test_one_jump_is_not_called_a_leak():
    found = growth(np.where(np.arange(20) < 12, 100.0, 101.0))
    assert found.low <= 0


def test_what_warms_up_does_not_count():
    found = growth([100, 120, 130, 135, 136] + [136.5] * 15)
    assert (found.value, found.high) == (0, 0)


def test_few_calls_decide_nothing():
    found = growth(100 + np.arange(20), calls=400)
    assert (found.low, found.high, found.rows_for_bound) == (-np.inf, np.inf, 1000)


@pytest.fixture
def subject(tmp_path):
    made = []

    def make(size):
        folder = write_hostile(tmp_path / f"model-{size}", "leaks" if size else "sleeps", **(
            {"size": size} if size else {"seconds": 0}
        ))  # fmt: skip
        described = yaml.safe_load((folder / "MLmodel").read_text())
        of_toy = write_toy(tmp_path / f"toy-{size}", "threshold") / "MLmodel"
        described["signature"] = yaml.safe_load(of_toy.read_text())["signature"]
        (folder / "MLmodel").write_text(yaml.safe_dump(described))
        limits = Limits(call_seconds=30, readable=(str(ROOT / "tests"),))

        def start():
            return Runner(limits, Path(tempfile.mkdtemp(dir=tmp_path)), trusted=(LOADER,))

        candidate = describe("toy", folder, ModelVersion("toy", "1", "", ""))
        made.append(Subject(SubjectSpec(candidate, "native"), tmp_path, start))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_model_that_keeps_a_copy_of_each_row_is_found_and_its_twin_is_not(subject, tmp_path):
    toy_holdout(tmp_path / "rows.parquet", 400, 1)
    holdout = open_holdout(DataSpec(path="rows.parquet", target="label"), tmp_path)
    sound, leaks = subject(0), subject(400)
    clean, leak = (memory.growth(one, holdout, ask=ASK) for one in (sound, leaks))
    assert leak.low > 300
    assert leak.value == pytest.approx(1000 * (400 + 48) / 1024, rel=0.3)
    assert clean.high < 100
    at_load = memory.after_load(sound, holdout, ask=ASK).value
    assert 30 < at_load <= memory.peak(sound, holdout, ask=ASK).value + 30
