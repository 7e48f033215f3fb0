"""Subjects that say what a function says, or what a toy in its own process says."""

from types import SimpleNamespace

import numpy as np
import pytest
from pyarrow import parquet

from gatekit.candidate import describe
from gatekit.data import open_holdout
from gatekit.errors import ModelMisbehaved
from gatekit.gate import Ask
from gatekit.policy import DataSpec
from gatekit.progress import unheard
from gatekit.registry import ModelVersion
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.scoring.signature import Column, Signature
from gatekit.subject import Subject
from gatekit.subject_spec import SubjectSpec
from gatekit.testing import toy_holdout, write_toy


class FakeSubject(Subject):
    """Answers with `says[engine](table)`; keeps every table it was asked about."""

    def __init__(self, says, columns, positive=1):
        inputs = tuple(
            Column(name, kind.rstrip("?"), required=not kind.endswith("?"))
            for name, kind in columns.items()
        )
        self.candidate = SimpleNamespace(signature=Signature(inputs), title="toy version 1")
        self.engine = "native"
        self.positive = positive
        self._joint, self._tables = {}, {}
        self.says = says if isinstance(says, dict) else {"native": says, "pyfunc": says}
        self.asked = []
        self.kept = {}
        self.times_ms = np.empty(0)
        self.progress = unheard

    def linear_form(self):
        return "it says what a function says"

    @property
    def is_alive(self):
        return True

    def predict(self, table, *, engine=None):
        self.asked.append(table)
        return np.asarray(self.says[engine or self.engine](table))

    def said_each(self, tables, *, by_one=False):
        return [self._said_or_raised(table) for table in tables]

    def _said_or_raised(self, table):
        try:
            return self.said(table)
        except ModelMisbehaved as error:
            return error

    def predictions(self, holdout, *, engine=None):
        return self.predict(holdout.features(self.candidate.signature), engine=engine)

    def timings(self, holdout, calls, each=1):
        return self.times_ms[:calls] * each


@pytest.fixture
def make_holdout(tmp_path):
    def make(table, target="label", **spec):
        path = tmp_path / "holdout.parquet"
        parquet.write_table(table, path)
        return open_holdout(DataSpec(path=path.name, target=target, **spec), tmp_path)

    return make


@pytest.fixture
def fake():
    def make(says, columns=None, positive=1):
        return FakeSubject(says, columns or {"x0": "double"}, positive)

    return make


@pytest.fixture
def toy(tmp_path):
    """A toy behind a real runner, and its holdout: toy("crash", x0="double")."""
    subjects = []

    def make(rule, columns=("x0", "x1"), **params):
        folder = write_toy(tmp_path / rule, rule, columns, **params)
        model = describe(str(folder), folder, ModelVersion("toy", ""))

        def start():
            return Runner(Limits(call_seconds=20, load_seconds=60), tmp_path / "scratch")

        spool = tmp_path / "spool"
        spool.mkdir(exist_ok=True)
        subjects.append(Subject(SubjectSpec(model, "native"), spool, start))
        toy_holdout(tmp_path / "toy.parquet", 200, seed=1, columns=columns)
        spec = DataSpec(path="toy.parquet", target="label")
        return subjects[-1], open_holdout(spec, tmp_path)

    yield make
    for subject in subjects:
        subject.close()


@pytest.fixture
def ask():
    def make(table=None, level=0.95):
        return Ask(level, 7, table)

    return make
