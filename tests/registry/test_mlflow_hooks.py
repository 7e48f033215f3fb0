"""`gatekit hooks install` against a real `mlflow server`, and a real delivery to a real service."""

import os
import signal

import pytest
from cryptography.fernet import Fernet

from gatekit import cli
from gatekit.commands import answer
from gatekit.registry.memory import MemoryRegistry
from gatekit.service_client import LiveService
from gatekit.testing import write_toy
from gatekit_service.settings import Settings

from ..servers import start_server  # noqa: TID252 - as above
from ..service.conftest import service_process, wait_for  # noqa: TID252 - tests are no package

SECRET = "a-secret-of-the-tests-and-of-nobody-else"
POLICY = """
model = "churn-model"
[data.holdout]
path = "holdout.parquet"
target = "churn"
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "gates.toml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEKIT_HOOK_SECRET", SECRET)
    return tmp_path


@pytest.fixture
def server(project, monkeypatch):
    """`mlflow server` that may deliver to loopback, over a database of its own."""
    (project / "artifacts").mkdir()
    allowed = {
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "MLFLOW_WEBHOOK_CACHE_TTL": "0",
    }
    uri, process = start_server(
        f"sqlite:///{project}/mlflow.db",
        project / "artifacts",
        project / "server.log",
        ["--workers", "1"],
        allowed,
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    yield uri
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(60)


@pytest.mark.slow
def test_a_moved_alias_wakes_the_service(server, project, capsys):
    from mlflow import MlflowClient

    client = MlflowClient(server, server)
    client.create_registered_model("churn-model")
    for number, t in (("1", 0.0), ("2", 5.0)):
        folder = write_toy(project / f"toy{number}", "threshold", t=t)
        run = client.create_run(client.create_experiment(f"e{number}")).info.run_id
        client.log_artifacts(run, str(folder), "model")
        client.create_model_version("churn-model", f"runs:/{run}/model", run_id=run)
    client.set_registered_model_alias("churn-model", "staging", "1")
    settings = Settings(
        model="churn-model",
        registry=server,
        cache=project / "cache",
        port=0,
        poll_seconds=3600.0,  # only a hook can make it look again
        hook_secret=SECRET,
    )
    with service_process(settings, project / "service.log") as url:
        service = LiveService(url)
        wait_for(lambda: service.health()["version"] == "1", 300)
        assert cli.main(["hooks", "install", "--url", url]) == 0
        said = capsys.readouterr().out
        assert f"webhook gatekit-churn-model made: {url}/hooks/mlflow" in said
        assert "the service answered 200" in said  # MLflow's test is heard and deploys nothing
        assert max(map(len, said.splitlines())) <= 90
        client.set_registered_model_alias("churn-model", "staging", "2")
        wait_for(lambda: service.health()["version"] == "2", 300)
        assert cli.main(["hooks", "install", "--url", url]) == 0
        assert "set right" in capsys.readouterr().out
        assert [hook.name for hook in client.list_webhooks()] == ["gatekit-churn-model"]
        service.close()
    assert cli.main(["hooks", "install", "--url", url]) == 1  # nobody is there any more
    assert "the service was NOT reached" in capsys.readouterr().out


def test_a_registry_without_a_server_has_no_hooks(project, monkeypatch, capsys):
    monkeypatch.setattr(answer, "open_registry", lambda uri: MemoryRegistry())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "memory:")
    assert cli.main(["hooks", "install", "--url", "https://churn.example.org"]) == 4
    assert "this registry has no webhooks" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "secret", "words"),
    [
        ("https://x.example.org", "", "GATEKIT_HOOK_SECRET is not set"),
        ("https://x.example.org", "short", "is shorter than 16 letters"),
        ("churn:8000", SECRET, "no URL of a service"),
    ],
)
def test_what_is_missing_is_said_before_anybody_is_asked(
    project, monkeypatch, capsys, url, secret, words
):
    monkeypatch.setenv("GATEKIT_HOOK_SECRET", secret)
    assert cli.main(["hooks", "install", "--url", url]) == 4
    said = capsys.readouterr().err
    assert words in said
    assert SECRET not in said


def test_a_database_delivers_nothing_and_says_so():
    from contextlib import nullcontext

    from gatekit.errors import UsageProblem
    from gatekit.registry.mlflow_hooks import Hooks

    hooks = Hooks(None, "sqlite:///mlflow.db", lambda what: nullcontext())
    with pytest.raises(UsageProblem, match="delivered by `mlflow server`"):
        hooks.install("n", "https://x", SECRET)
