"""What a run is asked to do is understood, or refused, before any registry is asked."""

import pytest

from gatekit.errors import CandidateError, PolicyError, UsageProblem
from gatekit.plan import RunRequest, check_registry_exists, make_plan
from gatekit.project import find_project
from gatekit.testing import write_toy

POLICY = """
model = "toy"
[data.holdout]
path = "holdout.parquet"
target = "label"
[gates.accuracy]
floor = 0.8
[gates.robustness]
stability = 0.3
[gates.latency]
calls = 200
[gates.staging]
p99_ms = 100
[own.profit]
least = 0.0
[promotion.staging]
requires = ["accuracy", "schema"]
[promotion.production]
from = "staging"
requires = ["staging"]
"""


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.gatekit]\n")
    (tmp_path / "gates.toml").write_text(POLICY)

    def make(uri="models:/toy/1", **asked):
        return make_plan(RunRequest(uri, **asked), tmp_path)

    return make


def test_offline_gates_are_those_of_the_targets_and_of_the_tables_with_a_bar(plan):
    made = plan()
    assert made.required == ("accuracy", "schema", "robustness", "profit")
    assert made.policy == made.reviewed
    assert made.changes == ()


def test_a_service_is_asked_for_its_own_gates_alone(plan):
    made = plan(service_url="http://127.0.0.1:1")
    assert made.required == ("staging",)
    assert made.wants("staging")
    assert not made.wants("accuracy")


def test_a_target_names_what_it_requires(plan):
    made = plan(target="staging")
    assert made.required == ("accuracy", "schema")
    wanted = {g: made.wants(g) for g in ("accuracy", "schema", "robustness", "latency", "parity")}
    # a declared table runs beside; what nobody declared or asked for does not
    assert wanted == {
        "accuracy": True,
        "schema": True,
        "robustness": True,
        "latency": True,
        "parity": False,
    }
    assert made.wants("a team's own")


def test_a_bar_set_for_an_undeclared_gate_is_gated(plan):
    made = plan(sets=("fairness.demographic_parity_difference=0.1",))
    assert "fairness" in made.required
    assert made.wants("fairness")
    assert not plan().wants("fairness")


def test_the_reviewed_policy_is_kept_beside_the_changed_one(plan):
    made = plan(sets=("accuracy.floor=0.7",))
    assert (made.reviewed.gates.accuracy.floor, made.policy.gates.accuracy.floor) == (0.8, 0.7)
    assert [change.loosened for change in made.changes] == [True]


@pytest.mark.parametrize("uri", ["models:/toy/2", "models:/toy@staging", "models:/toy/Staging"])
def test_a_registered_version_may_be_promoted(plan, uri):
    assert plan(uri, target="staging").uri.is_registered


def test_what_is_no_version_is_gated_but_not_promoted(plan, tmp_path):
    folder = str(write_toy(tmp_path / "model", "threshold"))
    for uri in (folder, "runs:/abc/model"):
        assert plan(uri).required
        with pytest.raises(CandidateError, match="no registered version"):
            plan(uri, target="staging")


@pytest.mark.parametrize(
    ("asked", "kind", "words"),
    [
        ({"uri": "models:/other/1"}, CandidateError, "is the policy of 'toy'"),
        ({"uri": "s3://bucket/model"}, CandidateError, "not a model URI"),
        ({"uri": "nowhere"}, CandidateError, "no folder with an MLmodel"),
        ({"target": "prod"}, PolicyError, r"no \[promotion.prod\]"),
        ({"target": "production"}, UsageProblem, "measured on a running service"),
        ({"sets": ("accuracy.flor=1",)}, PolicyError, "no such key"),
        ({"gates": "none.toml"}, PolicyError, "no policy at none.toml"),
    ],
)
def test_a_wrong_request_is_refused_in_words(plan, asked, kind, words):
    with pytest.raises(kind, match=words):
        plan(**asked)


def test_an_embedded_registry_that_was_never_made_is_no_empty_one(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(UsageProblem, match="no registry yet"):
        check_registry_exists(find_project(tmp_path))
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    check_registry_exists(find_project(tmp_path))  # a server is asked later
