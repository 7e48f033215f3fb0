"""The content digest: the same for a model registered twice, another for every other change."""

import json
import subprocess
import sys
import zipfile

import pytest

from gatekit.content import WRITTEN_ANEW, content_digest
from gatekit.digest import model_digest, model_files

MLMODEL = """artifact_path: file:///a/m-1/artifacts
flavors:
  sklearn:
    run_id: inner
model_id: m-1
model_size_bytes: 11
model_uuid: m-1
run_id: r-1
signature:
  inputs: '[]'
utc_time_created: '2026-11-25 21:07:03.5'
"""
TWICE = """
import sys, warnings
warnings.simplefilter("ignore")
from pathlib import Path
import mlflow, numpy as np
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression
from gatekit.registry.mlflow import MlflowRegistry

root = Path(sys.argv[1])
uri = f"sqlite:///{root}/mlflow.db"
mlflow.set_tracking_uri(uri)
mlflow.create_experiment("t", artifact_location=f"file://{root}/artifacts")
mlflow.set_experiment("t")
x = np.random.default_rng(0).normal(size=(60, 2))
held = []
for kind in ("skops", "cloudpickle"):
    for _ in range(2):
        model = LogisticRegression().fit(x, x[:, 0] > 0)
        held.append(model)  # so that the next one lies elsewhere in memory
        with mlflow.start_run():
            mlflow.sklearn.log_model(
                model, name="model", signature=infer_signature(x, model.predict(x)),
                registered_model_name=kind, serialization_format=kind,
                pip_requirements=["scikit-learn"],
            )
registry = MlflowRegistry(uri)
for kind in ("skops", "cloudpickle"):
    for version in ("1", "2"):
        registry.fetch(f"models:/{kind}/{version}", root / kind / version)
"""


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "model"
    made.mkdir()
    (made / "MLmodel").write_text(MLMODEL)
    (made / "weights").write_bytes(b"abc")
    return made


def content(folder):
    return content_digest(folder, model_files(folder))


def skops(path, ids, arrays, schema=None):
    """An archive as skops writes it, with objects at these addresses."""
    a, b = ids
    nodes = [
        {"__class__": "X", "__id__": a, "file": f"{a}.npy"},
        {"__id__": b, "see": {"__id__": a}},
    ]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in arrays.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1 + a % 20, 0, 0, 0)), data)
        archive.writestr("schema.json", json.dumps(schema or {"content": nodes}))


@pytest.mark.parametrize("key", WRITTEN_ANEW)
def test_what_mlflow_writes_anew_makes_no_difference(folder, key):
    before, exact = content(folder), model_digest(model_files(folder))
    lines = [f"{key}: another" if s.startswith(f"{key}:") else s for s in MLMODEL.splitlines()]
    (folder / "MLmodel").write_text("\n".join(lines) + "\n")
    assert content(folder) == before
    assert model_digest(model_files(folder)) != exact


@pytest.mark.parametrize(
    ("was", "now"),
    [("run_id: inner", "run_id: outer"), ("inputs: '[]'", "inputs: '[1]'"), ("sklearn", "sklorn")],
)
def test_everything_else_in_the_description_does(folder, was, now):
    before = content(folder)
    (folder / "MLmodel").write_text(MLMODEL.replace(was, now))
    assert content(folder) != before


def test_other_files_count_by_name_and_bytes(folder):
    before = content(folder)
    (folder / "weights").write_bytes(b"abd")
    assert content(folder) != before
    (folder / "weights").write_bytes(b"abc")
    assert content(folder) == before
    (folder / "weights").rename(folder / "widths")
    assert content(folder) != before
    (folder / "widths").rename(folder / "weights")
    (folder / "sub").mkdir()
    (folder / "sub" / "MLmodel").write_text("run_id: 1\n")
    inner = content(folder)
    (folder / "sub" / "MLmodel").write_text("run_id: 2\n")
    assert content(folder) != inner  # only the model's own description is read so


def test_a_skops_file_is_the_same_at_other_addresses_and_times(folder):
    skops(folder / "model.skops", (11, 12), {"11.npy": b"one"})
    before = content(folder)
    skops(folder / "model.skops", (92, 37), {"92.npy": b"one"})
    assert content(folder) == before
    skops(folder / "model.skops", (92, 37), {"92.npy": b"two"})
    assert content(folder) != before
    skops(folder / "model.skops", (92, 92), {"92.npy": b"one"})  # one object instead of two
    assert content(folder) != before
    user = {"content": {"__id__": {"value": 1}, "file": {"value": 2}}}  # keys of a user's own dict
    skops(folder / "model.skops", (1, 2), {}, user)
    mine = content(folder)
    user["content"]["__id__"]["value"] = 3
    skops(folder / "model.skops", (1, 2), {}, user)
    assert content(folder) != mine


@pytest.mark.parametrize("raw", [b"no archive", b"PK\x03\x04 cut"])
def test_a_file_that_cannot_be_looked_into_counts_by_its_bytes(folder, raw):
    (folder / "model.skops").write_bytes(raw)
    before = content(folder)
    (folder / "model.skops").write_bytes(raw + b"!")
    assert content(folder) != before


def test_a_deep_schema_is_no_crash(folder):
    with zipfile.ZipFile(folder / "model.skops", "w") as archive:
        archive.writestr("schema.json", "[" * 100_000 + "]" * 100_000)
    assert len(content(folder)) == 64


@pytest.mark.slow
def test_a_model_registered_twice_by_mlflow_is_recognised(tmp_path):
    subprocess.run([sys.executable, "-c", TWICE, str(tmp_path)], check=True, timeout=300)
    for kind in ("skops", "cloudpickle"):
        first, second = tmp_path / kind / "1", tmp_path / kind / "2"
        assert model_digest(model_files(first)) != model_digest(model_files(second))
        assert content(first) == content(second)
