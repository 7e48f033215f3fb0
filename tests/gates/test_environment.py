"""The measures of the environment gate, on environments that are only told."""

from types import SimpleNamespace

import numpy as np
import pytest

from gatekit.environments import model as room
from gatekit.environments.build import Built
from gatekit.environments.model import ModelEnvironment
from gatekit.errors import DataError, ModelMisbehaved
from gatekit.gate import NOT_APPLICABLE, Ask
from gatekit.gates import environment
from gatekit.policy_gates import EnvironmentGate

ASK = Ask(0.95, 1, EnvironmentGate())


@pytest.fixture
def candidate(tmp_path, monkeypatch):
    def make(requirements, here, *, declared=False, lock=None, python=""):
        (tmp_path / "requirements.txt").write_text("\n".join(requirements))
        if python:
            (tmp_path / "python_env.yaml").write_text(f"python: {python}\n")
        if lock is not None:
            (tmp_path / "the.lock").write_text(lock)
        monkeypatch.setattr(room, "installed", lambda: here)
        monkeypatch.setattr(room, "build", lambda _: Built(tmp_path, "3.11.7", here, ("pyarrow",)))
        held = ModelEnvironment(
            tmp_path, declared, (), tmp_path / "the.lock" if lock is not None else None
        )
        loaded = []
        return SimpleNamespace(environment=held, load=lambda: loaded.append(1), loaded=loaded)

    return make


def test_here_the_declared_is_compared_with_what_is_installed(candidate):
    asked = ["numpy<2", "skops", "scipy==1.14.0"]
    made = candidate(asked, {"numpy": "2.4.6", "scipy": "1.14.0"}, python="3.99.1")
    lacking = environment.missing(made, ask=ASK)
    assert (lacking.value, lacking.n) == (1, 3)
    assert lacking.detail == ("skops: declared any version, here not installed",)
    moved = environment.drift(made, ask=ASK)
    assert moved.value == 2
    assert moved.detail[0] == "numpy: declared <2, here 2.4.6"
    assert moved.detail[1].startswith("python: declared 3.99.1, here 3.1")
    assert made.loaded == []


def test_in_the_declared_one_it_is_compared_with_the_lock(candidate):
    here = {"numpy": "1.26.4", "pyarrow": "21.0.0", "extra": "1"}
    made = candidate(["numpy==1.26.4"], here, declared=True, lock="numpy==2.4.6\n")
    lacking = environment.missing(made, ask=ASK)
    assert lacking.value == 0
    assert made.loaded == [1]
    assert lacking.detail[0].startswith("built with Python 3.11.7, 3 packages, sha256 ")
    assert lacking.detail[1] == "added for gatekit's end of the line: pyarrow 21.0.0"
    moved = environment.drift(made, ask=ASK)
    assert (moved.value, moved.detail) == (1, ("numpy: locked 2.4.6, here 1.26.4",))


def test_without_a_lock_drift_is_no_number_there(candidate):
    moved = environment.drift(candidate(["numpy"], {"numpy": "2"}, declared=True), ask=ASK)
    assert np.isnan(moved.value)
    assert moved.method == NOT_APPLICABLE
    assert "attestation.lock" in moved.detail[0]


def test_a_lock_that_cannot_be_read_is_an_error(candidate):
    with pytest.raises(DataError, match=r"the\.lock"):
        environment.drift(candidate(["numpy"], {}, declared=True, lock=""), ask=ASK)


def test_a_model_that_declares_nothing_passes_nothing(tmp_path):
    made = SimpleNamespace(environment=ModelEnvironment(tmp_path))
    with pytest.raises(ModelMisbehaved, match="declares no environment"):
        environment.missing(made, ask=ASK)
