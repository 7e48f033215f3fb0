"""A leak is found; its twin that keeps nothing is not called one."""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
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
from gatekit.runner.watching import Memory, watched
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


class Remembers:
    """Keeps a kilobyte for each row it has not met; refuses a code that it does not know, and more
    than it has learnt from.
    """

    def __init__(self, codes):
        self.codes, self.met = set(codes), set()

    def meet(self, table):
        assert set(table["code"].to_pylist()) <= self.codes
        assert np.nanmax(np.abs(table["amount"].to_numpy())) <= 3.0
        assert table["amount"].null_count > 0
        self.met.update(zip(*table.to_pydict().values(), strict=True))

    def predict(self, table):
        self.meet(table)

    def time_rows(self, table, calls, warm_up):
        assert calls <= table.num_rows
        self.meet(table)

    def memory_mb(self, _field):
        return 100 + len(self.met) / 1024


def test_what_is_kept_of_each_row_grows_though_the_holdout_was_predicted_before():
    random = np.random.default_rng(5)
    codes = [0.5, 1.0, 1.5]
    amounts = np.clip(random.normal(size=600), -3.0, 3.0).tolist()
    amounts[::50] = [3.0, None] * 6
    rows = pa.table({"amount": amounts, "code": random.choice(codes, 600)})
    seen = watched(Remembers(codes), rows, 4000)
    assert np.diff(seen.held_mb * 1024).min() > 190  # rows without an amount do come again
    assert growth(seen.held_mb).low > 950


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
