"""What only an MLflow registry has: logged models, experiments, lost answers, silence."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from gatekit.errors import NotFound, RegistryError, RegistryUnavailable
from gatekit.registry import DataRecord, GateRunRecord, open_registry
from gatekit.registry.embedded import artifact_location, database_file, embedded_uri
from gatekit.registry.mlflow import MlflowRegistry, _brief

from .conftest import logged_run, registered
from .contract import model_folder, snapshot

pytestmark = pytest.mark.usefixtures("elsewhere")


class TestJournal:
    def test_an_entry_that_was_written_twice_counts_once(self, sqlite_bench, name):
        """An HTTP client that repeats a request whose answer was lost writes a second version."""
        registry, journal = sqlite_bench.registry, f"{name}.journal"
        assert registry.append(journal, {"n": "1"}) == 1
        tags = registry._client.get_model_version(journal, "1").tags
        registry._client.create_model_version(journal, "gatekit-journal:/entry", tags=tags)
        assert registry.append(journal, {"n": "3"}) == 3
        assert registry.entries(journal) == [(1, {"n": "1"}), (3, {"n": "3"})]

    def test_a_lost_answer_is_looked_up(self, sqlite_bench, name, monkeypatch):
        registry, journal = sqlite_bench.registry, f"{name}.journal"
        registry.append(journal, {"n": "1"})
        create = type(registry._client).create_model_version

        def written_but_unanswered(*args, **kwargs):
            create(*args, **kwargs)
            raise ConnectionError("reset by peer")

        monkeypatch.setattr(type(registry._client), "create_model_version", written_but_unanswered)
        assert registry.append(journal, {"n": "2"}) == 2
        monkeypatch.undo()
        assert registry.entries(journal) == [(1, {"n": "1"}), (2, {"n": "2"})]

    def test_a_journal_is_marked_and_what_is_no_entry_is_left_out(self, sqlite_bench, name):
        registry, journal = sqlite_bench.registry, f"{name}.journal"
        registry.append(journal, {"n": "1"})
        registry._client.create_model_version(journal, "file:///nowhere")
        assert registry.entries(journal) == [(1, {"n": "1"})]
        assert registry.version(journal, "1").tags["gatekit.journal"] == "entry"
        assert registry._client.get_registered_model(journal).tags == {"gatekit.journal": "journal"}

    def test_an_entry_too_large_is_refused_whole(self, sqlite_bench, name):
        with pytest.raises(RegistryError) as caught:
            sqlite_bench.registry.append(f"{name}.journal", {"a": "b", "decision": "x" * 100_001})
        assert not isinstance(caught.value, RegistryUnavailable)
        assert sqlite_bench.registry.entries(f"{name}.journal") == []

    def test_every_page_is_read(self, sqlite_bench, name, monkeypatch):
        monkeypatch.setattr("gatekit.registry.mlflow_journal._PAGE", 3)
        numbers = [sqlite_bench.registry.append(f"{name}.journal", {}) for _ in range(8)]
        assert [n for n, _ in sqlite_bench.registry.entries(f"{name}.journal")] == numbers
        assert len(sqlite_bench.registry.versions(f"{name}.journal")) == 8


class TestPrompts:
    """MLflow keeps prompts among its models; its own client is not asked to tell them apart."""

    def test_a_prompt_is_no_model(self, sqlite_bench, name):
        registry = sqlite_bench.registry
        registry._client.register_prompt(name, "say {{it}}")
        with pytest.raises(NotFound):
            registry.version(name, "1")
        registry._client.set_prompt_alias(name, "staging", 1)
        with pytest.raises(NotFound):
            registry.by_alias(name, "staging")

    def test_an_mlflow_without_an_inner_client_is_asked_by_its_outer_one(self):
        outer = object()
        assert _brief(outer) is outer


def logged_model(bench, folder):
    """A model as MLflow 3 logs it: beside the run, with an id of its own."""
    client = bench.registry._client
    run, _ = logged_run(bench.registry, folder)
    experiment = client.get_run(run).info.experiment_id
    model = client.create_logged_model(experiment, name="classifier", source_run_id=run)
    client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    return run, model.model_id


def check_models_of_runs(bench, tmp_path):
    folder = model_folder(tmp_path / "source", "of a run")
    run, _ = logged_model(bench, folder)
    before = snapshot(bench.store)
    for path in ("model", "classifier"):
        into = bench.registry.fetch(f"runs:/{run}/{path}", tmp_path / path)
        assert snapshot(into) == snapshot(folder)
    with pytest.raises(NotFound, match="no model at nothing"):
        bench.registry.fetch(f"runs:/{run}/nothing", tmp_path / "nothing")
    assert snapshot(bench.store) == before


def check_version_of_logged_model(bench, name, tmp_path, monkeypatch):
    folder = model_folder(tmp_path / "source", "logged")
    run, model = logged_model(bench, folder)
    with monkeypatch.context() as patch:  # MLflow's SQL store asks its ambient registry here
        patch.setenv("MLFLOW_TRACKING_URI", bench.uri)
        bench.registry._client.create_registered_model(name)
        bench.registry._client.create_model_version(name, f"models:/{model}", run, model_id=model)
    before = snapshot(bench.store)
    found = bench.registry.version(name, "1")
    assert (found.run_id, found.source) == (run, f"models:/{model}")
    into = bench.registry.fetch(f"models:/{name}/1", tmp_path / "into")
    assert snapshot(into) == snapshot(folder)
    assert snapshot(bench.store) == before


class TestFiles:
    def test_models_of_runs_in_sqlite(self, sqlite_bench, tmp_path):
        check_models_of_runs(sqlite_bench, tmp_path)

    @pytest.mark.slow
    def test_models_of_runs_on_a_server(self, server_bench, tmp_path):
        check_models_of_runs(server_bench, tmp_path)

    def test_a_logged_model_in_sqlite(self, sqlite_bench, name, tmp_path, monkeypatch):
        check_version_of_logged_model(sqlite_bench, name, tmp_path, monkeypatch)

    @pytest.mark.slow
    def test_a_logged_model_on_a_server(self, server_bench, name, tmp_path, monkeypatch):
        check_version_of_logged_model(server_bench, name, tmp_path, monkeypatch)

    def test_a_version_whose_files_are_gone_is_no_empty_model(self, sqlite_bench, name, tmp_path):
        import shutil
        from urllib.parse import urlparse

        run, source = logged_run(sqlite_bench.registry, model_folder(tmp_path / "source", "w"))
        registered(sqlite_bench.registry, name, source, run)
        shutil.rmtree(urlparse(source).path)
        with pytest.raises(RegistryError, match="no files of it") as caught:
            sqlite_bench.registry.fetch(f"models:/{name}/1", tmp_path / "into")
        assert not isinstance(caught.value, NotFound)

    def test_an_artifact_store_that_is_down_is_an_outage(
        self, sqlite_bench, name, tmp_path, closed_port
    ):
        run, _ = logged_run(sqlite_bench.registry, model_folder(tmp_path / "source", "w"))
        source = closed_port.replace("http://", "mlflow-artifacts://") + "/model"
        registered(sqlite_bench.registry, name, source, run)
        with pytest.raises(RegistryUnavailable, match=r"files at .* cannot be had"):
            sqlite_bench.registry.fetch(f"models:/{name}/1", tmp_path / "into")


class TestRuns:
    def check_gate_run(self, bench, name):
        record = GateRunRecord(
            "gates of 6",
            {"gatekit.model": name, "gatekit.verdict": "PASSED"},
            {"accuracy": 0.9, "lower": float("nan")},
            {"policy": "sha256:1"},
        )
        run = bench.registry._client.get_run(bench.registry.attach(record, {"report.json": b"{}"}))
        assert run.info.status == "FINISHED"
        assert run.info.run_name == "gates of 6"
        assert run.data.metrics == {"accuracy": 0.9}
        assert run.data.params == {"policy": "sha256:1"}
        assert run.data.tags.items() >= record.tags.items()
        assert run.info.experiment_id == bench.registry.experiment("gatekit")
        found = bench.registry._client.search_runs(
            [run.info.experiment_id], f"tags.`gatekit.model` = '{name}'"
        )
        assert [each.info.run_id for each in found] == [run.info.run_id]

    def test_a_gate_run_is_an_mlflow_run_of_its_own(self, sqlite_bench, name):
        self.check_gate_run(sqlite_bench, name)

    @pytest.mark.slow
    def test_a_gate_run_on_a_server(self, server_bench, name):
        self.check_gate_run(server_bench, name)

    def test_a_gate_run_that_breaks_off_is_failed(self, sqlite_bench, name, monkeypatch):
        def full(*args, **kwargs):
            raise OSError("no space left on device")

        monkeypatch.setattr(type(sqlite_bench.registry._client), "log_artifacts", full)
        with pytest.raises(RegistryUnavailable, match="no space left"):
            sqlite_bench.registry.attach(GateRunRecord(name, {}, {}, {}), {"r": b""})
        experiment = sqlite_bench.registry.experiment("gatekit")
        (run,) = sqlite_bench.registry._client.search_runs([experiment], f"run_name = '{name}'")
        assert run.info.status == "FAILED"

    def test_an_experiment_is_made_once_beside_the_database(self, sqlite_bench, sqlite_root, name):
        made = sqlite_bench.registry.experiment(name)
        assert sqlite_bench.registry.experiment(name) == made
        location = sqlite_bench.registry._client.get_experiment(made).artifact_location
        assert location == (sqlite_root / ".gatekit" / "artifacts" / name).as_uri()

    def test_a_deleted_experiment_is_said_to_be_deleted(self, sqlite_bench, name):
        made = sqlite_bench.registry.experiment(name)
        sqlite_bench.registry._client.delete_experiment(made)
        with pytest.raises(RegistryError, match="is deleted"):
            sqlite_bench.registry.experiment(name)


class TestEmbedded:
    def test_the_uri_names_an_absolute_file_and_makes_nothing(self, tmp_path):
        assert embedded_uri(tmp_path / "a") == f"sqlite:///{tmp_path}/a/.gatekit/mlflow.db"
        assert not (tmp_path / "a").exists()

    def test_a_folder_is_made_only_when_asked(self, tmp_path):
        uri = embedded_uri(tmp_path)
        with pytest.raises(RegistryUnavailable, match="no folder"):
            MlflowRegistry(uri)
        assert not (tmp_path / ".gatekit").exists()
        assert MlflowRegistry(uri, create=True).uri == uri
        assert (tmp_path / ".gatekit" / "mlflow.db").is_file()

    def test_only_a_sqlite_file_has_a_database_file(self, tmp_path):
        assert database_file(f"sqlite:///{tmp_path}/x.db?a=b") == tmp_path / "x.db"
        assert database_file("sqlite:///:memory:") is None
        assert database_file("http://host") is None

    def test_artifacts_never_leave_their_folder(self, tmp_path):
        location = artifact_location(f"sqlite:///{tmp_path}/x.db", "../../etc")
        assert location.startswith((tmp_path / "artifacts").as_uri() + "/")
        assert location.count("/") == (tmp_path / "artifacts").as_uri().count("/") + 1
        assert artifact_location("http://host", "gatekit") is None


QUIET = """
import sys
from gatekit.registry import DataRecord, GateRunRecord, open_registry

registry = open_registry(sys.argv[1])
registry.append("quiet.journal", {"a": "b"})
registry.move("quiet.journal", "Staging", "1", "stage")
registry.by_stage("quiet.journal", "Staging")
registry.attach(GateRunRecord("t", {}, {"m": 1.0}, {}), {"r": b""})
registry.clear("quiet.journal", "Staging", "stage")
"""


def said(uri):
    unset = {"MLFLOW_LOGGING_LEVEL", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "PYTHONWARNINGS"}
    unset |= {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"}
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    done = subprocess.run(
        [sys.executable, "-W", "default::FutureWarning", "-c", QUIET, uri],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout + done.stderr


class TestSilence:
    def test_nothing_is_printed_with_a_new_database(self, tmp_path):
        (tmp_path / ".gatekit").mkdir()
        assert said(embedded_uri(tmp_path)) == ""

    @pytest.mark.slow
    def test_nothing_is_printed_with_a_server(self, server_bench):
        assert said(server_bench.uri) == ""

    def test_retries_are_not_announced(self, closed_port):
        open_registry(closed_port)
        assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.WARNING)

    def test_the_package_stays_light(self):
        code = (
            "import sys, gatekit.registry, gatekit.registry.mlflow, gatekit.registry.folder\n"
            "print(sorted({'mlflow', 'pandas', 'numpy', 'sqlalchemy'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]"


def test_gate_runs_of_a_model_stand_side_by_side_in_mlflow(sqlite_bench, name):
    """Found by tag, with one set of metric names, their data as inputs, the page as an artifact."""
    registry = sqlite_bench.registry
    client = registry._client
    sha256 = "ab" * 32
    held = (DataRecord("holdout", "data/holdout.parquet", sha256, 400),)
    tags = {"gatekit.model": name, "gatekit.version": "1", "gatekit.digest": "d" * 64}
    made = [
        registry.attach(
            GateRunRecord(
                f"run {verdict}", {**tags, "gatekit.verdict": verdict}, metrics, {}, held
            ),
            {"gatekit-report.html": b"<!doctype html>"},
        )
        for verdict, metrics in (
            ("FAILED", {"accuracy.accuracy": 0.8, "accuracy.accuracy.low": 0.7}),
            ("PASSED", {"accuracy.accuracy": 0.9, "accuracy.accuracy.low": 0.8}),
        )
    ]
    experiment = client.get_experiment_by_name("gatekit").experiment_id
    found = client.search_runs([experiment], f"tags.`gatekit.model` = '{name}'")
    assert {run.info.run_id for run in found} == set(made)
    assert len({tuple(sorted(run.data.metrics)) for run in found}) == 1
    passed = client.search_runs(
        [experiment], f"tags.`gatekit.model` = '{name}' and tags.`gatekit.verdict` = 'PASSED'"
    )
    (run,) = passed
    assert run.data.metrics["accuracy.accuracy.low"] == 0.8
    (data,) = run.inputs.dataset_inputs
    assert data.dataset.name == "holdout.parquet"
    assert sha256.startswith(data.dataset.digest)
    assert [tag.value for tag in data.tags] == ["holdout"]
    assert "gatekit/gatekit-report.html" in {
        each.path for each in client.list_artifacts(run.info.run_id, "gatekit")
    }
