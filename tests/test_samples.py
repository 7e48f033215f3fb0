"""What evidence of a sample is kept by: every digest that it depends on."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from gatekit.data import Streams, open_holdout, open_sample
from gatekit.errors import UsageProblem
from gatekit.gate import Ask
from gatekit.gates import drift
from gatekit.one_pass import OnePass
from gatekit.passes import Counting
from gatekit.policy import DataSpec, Policy, SampleSpec
from gatekit.policy_gates import DriftGate, Gates
from gatekit.samples import Samples
from gatekit.subject import Subject

BASE = {
    "reference": 1, "current": 2, "holdout": 3, "digest": "aa", "scored by": "native",
    "bar": None, "target": None, "score": "", "threshold": 0.5, "engine": "",
}  # fmt: skip


def table(seed):
    x = np.random.default_rng(seed).normal(size=60)
    return pa.table({"x0": x, "label": (x > 0).astype(int), "other": (x > 1).astype(int)})


@pytest.fixture
def made(tmp_path):
    """Samples whose files, model and policy are as told."""

    def make(**told):
        asked = BASE | told
        for what in ("reference", "current", "holdout"):
            parquet.write_table(table(asked[what]), tmp_path / f"{what}.parquet", row_group_size=20)
        drift_gate = DriftGate(prediction_drift=asked["bar"])
        spec = DataSpec(path="holdout.parquet", target="label")
        policy = Policy(
            model="m",
            holdout=spec,
            score=asked["score"],
            threshold=asked["threshold"],
            gates=replace(Gates(), drift=drift_gate),
        )
        streams = Streams(10)
        reference = SampleSpec(path="reference.parquet", target=asked["target"])
        held = (
            open_sample(reference, "reference", "label", tmp_path, streams),
            open_sample(SampleSpec(path="current.parquet"), "current", "label", tmp_path, streams),
            open_holdout(spec, tmp_path, streams),
        )
        candidate = SimpleNamespace(
            candidate=SimpleNamespace(digest=asked["digest"]), engine=asked["scored by"]
        )
        counting = Counting(policy, asked["engine"], None, tmp_path, None)
        return Samples(*held, candidate, counting, lambda: None)

    return make


def keys(samples):
    return {what: each._key() for what, each in samples.passes.items()}


CHANGES = [
    {"reference": 9}, {"current": 9}, {"holdout": 9}, {"digest": "bb"}, {"scored by": "pyfunc"},
    {"bar": 0.1}, {"score": "predict_proba"}, {"threshold": 0.4}, {"engine": "dask://a:1"},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_whatever_the_evidence_depends_on_gives_it_another_key(made, change):
    before, after = keys(made()), keys(made(**change))
    assert before.keys() == after.keys() == {"reference", "current"}
    assert all(before[what] != after[what] for what in before)
    assert before["reference"] != before["current"]
    assert keys(made()) == before


def test_another_column_of_labels_is_another_key(made):
    assert keys(made(target="other")) != keys(made())


def test_the_pass_over_the_holdout_is_kept_by_the_reference_if_it_is_compared(made):
    def key(*, compared, **change):
        samples = made(**change)
        if compared:
            samples.current = samples.holdout
        return OnePass(samples.holdout, samples.counting, {}, samples=samples)._key()

    assert key(compared=True) != key(compared=False)
    assert key(compared=True) != key(compared=True, reference=9)
    assert key(compared=False) == key(compared=False, reference=9)


def test_a_sample_that_streams_is_measured_in_a_run_alone(made):
    samples = made()
    subject = SimpleNamespace(samples=None, title="toy version 1")
    with pytest.raises(UsageProblem, match=r"reference.parquet streams, and toy version 1 was"):
        drift.ks(subject, samples.reference, samples.current, ask=Ask(0.95, 1, DriftGate()))
    assert Subject.samples is None
