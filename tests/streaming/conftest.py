"""A holdout of a few parts, two toy models, and what a pass over them needs."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from gatekit.candidate import describe
from gatekit.data import Streams, open_holdout
from gatekit.own_measures import own_measures
from gatekit.policy import DataSpec, OwnGate, Policy
from gatekit.registry import ModelVersion
from gatekit.runner.forkserver import ForkServer
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.scoring.reading import Reading
from gatekit.streaming.lane import said
from gatekit.streaming.own import Own
from gatekit.streaming.question import CANDIDATE, CHAMPION, ask
from gatekit.streaming.task import Model, Task
from gatekit.testing import write_toy

ROWS, PART = 2000, 700
METRICS = """
import gatekit

CALL = 15.0

@gatekit.of_means
def cost_per_call(y, said):
    return {"cost": 120.0 * (y == 1) * (said == 0) + CALL * (said == 1), "calls": said == 1}

@cost_per_call.value
def ratio(means):
    return means["cost"] / means["calls"]
"""
INPUTS = ("x0", "x1")


def rows(seed=4, n=ROWS):
    random = np.random.default_rng(seed)
    x0 = random.normal(size=n)
    return pa.table(
        {
            "x0": x0,
            "x1": random.normal(size=n),
            "group": random.choice(["a", "b", "c"], n),
            "region": random.integers(0, 3, n),
            "label": (x0 + random.normal(size=n) > 0).astype(np.int64),
        }
    )


@pytest.fixture(scope="session")
def server():
    """Processes of toy models are forks of it: they start in a tenth of the time."""
    made = ForkServer.begin(("pandas",))
    yield made
    if made is not None:
        made.close()


@pytest.fixture(scope="session")
def streamed(tmp_path_factory, server):
    """The holdout, its models by role, the question, and how a process is opened."""
    root = tmp_path_factory.mktemp("streamed")
    parquet.write_table(rows(), root / "holdout.parquet", row_group_size=PART)
    spec = DataSpec(
        path="holdout.parquet", target="label", sensitive=(("group",),), slices=(("region",),)
    )
    holdout = open_holdout(spec, root, Streams(10))
    slopes = {CANDIDATE: 3.0, CHAMPION: 1.0}
    models = []
    for role, slope in slopes.items():
        folder = write_toy(root / role, "probability", INPUTS, slope=slope)
        digest = describe(str(folder), folder, ModelVersion("toy", "")).digest
        reading = Reading(f"the {role}", "binary", 1, 0, 0.5)
        limits = Limits(call_seconds=20, load_seconds=60)
        models.append(
            Model(role, str(folder), digest, INPUTS, "native", "predict_proba", reading, limits)
        )

    def opened(model):
        own = tmp_path_factory.mktemp(f"scratch-{model.role}")
        runner = Runner(model.limits, own, role=model.role, server=server)
        runner.load(Path(model.folder), model.engine)
        return runner

    answers = {}
    for model in models:
        with opened(model) as runner:
            answers[model.role] = said(runner, model, holdout.pilot.table.select(list(INPUTS)))
    (root / "metrics.py").write_text(METRICS)
    own = {"calls": OwnGate(sums=("metrics.py:cost_per_call",))}
    measures = own_measures(Policy(model="toy", holdout=spec, own=own), root)
    question = ask(holdout, "binary", 1, 0.5, answers, Own(measures, 64))
    task = Task(question, tuple(models))
    return SimpleNamespace(holdout=holdout, task=task, open=opened, root=root, rows=rows)
