"""A champion of an older scikit-learn against a candidate of today's, each in what it declares."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gatekit.errors import ModelMisbehaved
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from tests.registry.conftest import logged_run, registered

pytestmark = pytest.mark.slow

OLD = ("mlflow-skinny==3.17.2", "scikit-learn==1.5.2", "numpy<2", "pandas<3", "cloudpickle")
NEW = ("mlflow-skinny==3.17.2", "scikit-learn==1.9.1", "numpy>=2", "pandas", "cloudpickle")
TRAIN = """
import json, sys, warnings
import mlflow.sklearn, numpy as np, pandas as pd, sklearn
from mlflow.models import infer_signature
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
warnings.simplefilter("ignore")
folder, depth, requirements = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
x = pd.DataFrame(np.random.default_rng(1).normal(size=(2000, 3)), columns=["a", "b", "c"])
y = (x.a + x.b > 0).astype("int64")
model = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=depth, random_state=1))
model.fit(x, y)
mlflow.sklearn.save_model(
    model, folder, serialization_format="cloudpickle", pip_requirements=requirements,
    signature=infer_signature(x, model.predict(x)),
)
print(sklearn.__version__)
"""
POLICY = """
model = "pair"
[data.holdout]
path = "holdout.parquet"
target = "label"
[gates.accuracy]
floor = 0.8
gain = 0.02
[gates.environment]
[promotion.production]
requires = ["accuracy", "environment"]
"""


@dataclass
class Made:
    root: Path
    environments: list
    trained_with: list


@pytest.fixture(scope="module")
def pair(tmp_path_factory, index):
    from gatekit.environments.build import build
    from gatekit.environments.declared import read_declaration
    from gatekit.registry.embedded import embedded_uri
    from gatekit.registry.mlflow import MlflowRegistry

    tmp_path = tmp_path_factory.mktemp("pair")
    kept = tmp_path / "environments"
    (tmp_path / "pyproject.toml").write_text('[tool.gatekit]\ngates = "gates.toml"\n')
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:locust -p no:cacheprovider\n")
    (tmp_path / "gates.toml").write_text(POLICY)
    rows = pd.DataFrame(np.random.default_rng(2).normal(size=(1500, 3)), columns=["a", "b", "c"])
    rows.assign(label=(rows.a + rows.b > 0).astype("int64")).to_parquet(
        tmp_path / "holdout.parquet"
    )
    registry = MlflowRegistry(embedded_uri(tmp_path), create=True)
    made = Made(tmp_path, [], [])
    for depth, requirements in ((1, OLD), (6, NEW)):
        listed = tmp_path / f"listed-{depth}"
        listed.mkdir()
        (listed / "requirements.txt").write_text("\n".join(requirements))
        made.environments.append(build(read_declaration(listed), kept))
        folder = tmp_path / f"model-{depth}"
        command = ["-c", TRAIN, str(folder), str(depth), json.dumps(requirements)]
        done = subprocess.run(
            [str(made.environments[-1].python), *command],
            capture_output=True, text=True, check=False, timeout=100, env={"HOME": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        made.trained_with.append(done.stdout.split()[-1])
        run, source = logged_run(registry, folder)
        registered(registry, "pair", source, run)
    return made


def gate(root, *arguments):
    command = [sys.executable, "-m", "pytest", "--model-uri", "models:/pair/2"]
    done = subprocess.run(
        [*command, "--champion", "models:/pair/1", *arguments],
        cwd=root, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "GATEKIT_ENVIRONMENTS": str(root / "environments")},
    )  # fmt: skip
    report = root / ".gatekit" / "report" / "gatekit-report.json"
    return done, json.loads(report.read_text())


def test_the_gain_of_one_over_the_other_is_measured(pair):
    assert pair.trained_with == ["1.5.2", "1.9.1"]
    done, report = gate(pair.root, "--model-env", "declared")
    assert done.returncode == 0, done.stdout[-3000:]
    checks = {check["estimate"]["name"]: check for check in report["checks"]}
    gain = checks["accuracy gain"]
    assert gain["estimate"]["low"] > 0.1
    assert gain["estimate"]["n"] == 1500
    assert checks["missing packages"]["estimate"]["value"] == 0
    told = report["run"]["environments"]
    assert [told[role]["sha256"] for role in ("champion", "candidate")] == [
        built.sha256 for built in pair.environments
    ]
    assert told["champion"]["added"] == ["pyarrow"]


def test_in_one_environment_they_cannot_both_be_asked(pair):
    """Why it is needed: today's scikit-learn cannot use what the older one wrote."""
    cannot = pytest.raises(ModelMisbehaved, match="'Pipeline' object has no attribute")
    with Runner(Limits(), pair.root / "scratch") as ours, cannot:
        ours.load(pair.root / "model-1", "native")
