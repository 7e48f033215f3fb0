"""An MLflow registry that is down, refuses, or is none at all: never mistaken for an empty one."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from urllib.parse import quote

import pytest

from gatekit.errors import NotFound, RegistryError, RegistryUnavailable
from gatekit.registry import GateRunRecord, open_registry
from gatekit.registry.embedded import embedded_uri

CREDENTIALS = ("TOKEN", "USERNAME", "PASSWORD")
CALLS = {
    "version": lambda registry, into: registry.version("m", "1"),
    "versions": lambda registry, into: registry.versions("m"),
    "by_alias": lambda registry, into: registry.by_alias("m", "champion"),
    "by_stage": lambda registry, into: registry.by_stage("m", "Staging"),
    "alias_holder": lambda registry, into: registry.holder("m", "champion", "alias"),
    "stage_holder": lambda registry, into: registry.holder("m", "Staging", "stage"),
    "entries": lambda registry, into: registry.entries("m.journal"),
    "append": lambda registry, into: registry.append("m.journal", {"kind": "intent"}),
    "fetch_version": lambda registry, into: registry.fetch("models:/m/1", into),
    "fetch_run": lambda registry, into: registry.fetch("runs:/" + "0" * 32 + "/model", into),
    "read": lambda registry, into: registry.read("0" * 32, "report.json"),
    "attach": lambda registry, into: registry.attach(GateRunRecord("t", {}, {}, {}), {}),
    "move": lambda registry, into: registry.move("m", "champion", "1", "alias"),
    "clear": lambda registry, into: registry.clear("m", "Staging", "stage"),
    "tag": lambda registry, into: registry.tag("m", "1", "k", "v"),
}
every_call = pytest.mark.parametrize("call", CALLS)


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch, elsewhere):
    for each in CREDENTIALS:
        monkeypatch.delenv(f"MLFLOW_TRACKING_{each}", raising=False)


class TestOutage:
    @every_call
    def test_a_closed_port_is_an_outage_said_at_once(self, closed_port, tmp_path, call):
        began = time.monotonic()
        with pytest.raises(RegistryUnavailable, match=f"at {closed_port} does not answer") as told:
            CALLS[call](open_registry(closed_port), tmp_path / "into")
        assert "([Errno 111] Connection refused)" in str(told.value)
        assert time.monotonic() - began < 5

    @every_call
    @pytest.mark.parametrize(
        "body",
        [b"oops", b'{"error_code": "INTERNAL_ERROR", "message": "alias not found"}'],
    )
    def test_a_server_that_answers_500_is_an_outage(self, answering, tmp_path, call, body):
        uri, _ = answering(500, body)
        began = time.monotonic()
        with pytest.raises(RegistryUnavailable, match="does not answer"):
            CALLS[call](open_registry(uri), tmp_path / "into")
        assert time.monotonic() - began < 10

    def test_a_server_that_accepts_and_says_nothing_is_an_outage(self, monkeypatch, tmp_path):
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            registry = open_registry(f"http://127.0.0.1:{silent.getsockname()[1]}")
            began = time.monotonic()
            with pytest.raises(RegistryUnavailable, match="does not answer"):
                registry.holder("m", "champion", "alias")
            assert time.monotonic() - began < 8

    def test_the_default_patience_is_seconds(self, closed_port, monkeypatch):
        for variable in ("MAX_RETRIES", "TIMEOUT"):
            monkeypatch.delenv(f"MLFLOW_HTTP_REQUEST_{variable}", raising=False)
        open_registry(closed_port)
        retries = int(os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"])
        assert (retries + 1) * int(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]) <= 20

    def test_what_the_user_has_set_wins(self, closed_port, monkeypatch):
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
        open_registry(closed_port)
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "3"

    @every_call
    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (404, b"<html>default backend</html>"),
            (404, b'{"detail": "Not Found"}'),
            (200, b"<html>please log in</html>"),
            (429, b'{"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slowly"}'),
        ],
    )
    def test_what_is_no_mlflow_never_says_absent(self, answering, tmp_path, call, status, body):
        uri, _ = answering(status, body)
        with pytest.raises(RegistryError) as caught:
            CALLS[call](open_registry(uri), tmp_path / "into")
        assert not isinstance(caught.value, NotFound)

    def test_a_file_that_is_no_database_is_an_outage(self, tmp_path):
        (tmp_path / "broken.db").write_bytes(b"this is no database" * 100)
        with pytest.raises(RegistryUnavailable, match="does not answer"):
            open_registry(f"sqlite:///{tmp_path}/broken.db").versions("m")

    def test_a_missing_folder_is_an_outage_and_is_not_made(self, tmp_path):
        with pytest.raises(RegistryUnavailable, match="no folder"):
            open_registry(f"sqlite:///{tmp_path}/typo/mlflow.db")
        assert not (tmp_path / "typo").exists()

    def test_a_database_that_breaks_later_is_an_outage(self, tmp_path):
        (tmp_path / ".gatekit").mkdir()
        registry = open_registry(embedded_uri(tmp_path))
        with pytest.raises(NotFound):
            registry.versions("m")
        (tmp_path / ".gatekit" / "mlflow.db").write_bytes(b"this is no database" * 100)
        for ask in (
            lambda: registry.versions("m"),
            lambda: registry.holder("m", "champion", "alias"),
            lambda: registry.entries("m.journal"),
        ):
            with pytest.raises(RegistryUnavailable, match="does not answer"):
                ask()


class TestRights:
    @every_call
    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (401, b"You are not authenticated"),
            (403, b"Permission denied"),
            (403, b'{"error_code": "PERMISSION_DENIED", "message": "Permission denied"}'),
        ],
    )
    def test_a_missing_right_is_named(self, answering, tmp_path, call, status, body):
        uri, _ = answering(status, body)
        with pytest.raises(RegistryError, match=f"right to do this is missing.*{status}") as caught:
            CALLS[call](open_registry(uri), tmp_path / "into")
        assert not isinstance(caught.value, NotFound | RegistryUnavailable)

    def test_a_token_is_sent(self, answering, monkeypatch):
        uri, seen = answering(500, b"")
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")
        with pytest.raises(RegistryUnavailable):
            open_registry(uri).versions("m")
        assert {sent for _, sent in seen} == {"Bearer t0ken"}

    def test_a_user_and_password_are_sent(self, answering, monkeypatch):
        uri, seen = answering(500, b"")
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ci")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "pa:ss")
        with pytest.raises(RegistryUnavailable):
            open_registry(uri).versions("m")
        assert {sent for _, sent in seen} == {"Basic " + base64.b64encode(b"ci:pa:ss").decode()}

    def test_a_password_in_the_uri_is_used_and_never_shown(self, answering, tmp_path):
        uri, seen = answering(500, b"")
        secret = quote("s3cret!")
        registry = open_registry(uri.replace("http://", f"http://ci:{secret}@"))
        assert registry.uri == uri.replace("http://", "http://ci@")
        for ask in CALLS.values():
            with pytest.raises(RegistryUnavailable) as caught:
                ask(registry, tmp_path / "into")
            assert "s3cret" not in f"{caught.value} {caught.value.__cause__}"
        assert {sent for _, sent in seen} == {"Basic " + base64.b64encode(b"ci:s3cret!").decode()}

    def test_the_registry_variable_wins_for_registry_calls(
        self, answering, monkeypatch, closed_port
    ):
        body = json.dumps({"model_version": {"name": "m", "version": "7"}}).encode()
        uri, seen = answering(200, body)
        monkeypatch.setenv("MLFLOW_REGISTRY_URI", uri)
        registry = open_registry(closed_port)
        assert registry.by_alias("m", "champion").version == "7"
        assert len(seen) == 1
        with pytest.raises(RegistryUnavailable, match=closed_port):
            registry.read("0" * 32, "report.json")
