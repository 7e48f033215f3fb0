"""Cheap signs of a move: from a folder, a server's REST interface, a database file."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from gatekit.errors import RegistryUnavailable
from gatekit.registry import ModelVersion
from gatekit_service.hints import hints, sign_or_error
from gatekit_service.looking import key_of
from gatekit_service.settings import Settings

TAGS = [{"key": "gatekit.report.r1", "value": "{}"}, {"key": "other", "value": "x"}]
VERSION = {"name": "churn", "version": "3", "tags": TAGS}


@contextmanager
def server(answers):
    """Answers by path, as MLflow's server would; `answers` may change."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status, body = answers.get(self.path.partition("?")[0].rsplit("/", 1)[1], (404, {}))
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)
            answers.setdefault("auth", []).append(self.headers.get("authorization"))

        do_POST = do_GET

        def log_message(self, *_):
            pass

    held = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=held.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{held.server_port}"
    finally:
        held.shutdown()
        thread.join()
        held.server_close()


@pytest.mark.parametrize(
    ("pointer", "answers"),
    [
        ("alias", {"alias": (200, {"model_version": VERSION})}),
        ("stage", {"get-latest-versions": (200, {"model_versions": [VERSION]})}),
    ],
)
def test_a_server_says_who_holds_the_pointer_and_when_its_journal_grew(
    pointer, answers, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")
    with server(answers) as uri:
        look = hints(Settings(model="churn", registry=uri, pointer=pointer))
        first = look()
        tags = {tag["key"]: tag["value"] for tag in TAGS}
        assert first.key == key_of(ModelVersion("churn", "3", tags=tags))
        assert look() == first
        answers["get"] = (200, {"registered_model": {"latest_versions": [{"version": "7"}]}})
        assert look().mark != first.mark
        assert set(answers["auth"]) == {"Bearer t0ken"}


def test_a_server_without_a_holder_or_in_trouble_is_told_apart():
    answers = {}
    with server(answers) as uri:
        look = hints(Settings(model="churn", registry=uri))
        assert look().key is None
        answers["alias"] = (500, {})
        assert isinstance(sign_or_error(look), RegistryUnavailable)
    assert "does not answer" in str(sign_or_error(look))


def test_a_database_file_says_only_that_it_was_written_to(tmp_path):
    database = tmp_path / "mlflow.db"
    database.write_bytes(b"a")
    look = hints(Settings(model="churn", registry=f"sqlite:///{database}"))
    first = look()
    assert (first.key, look()) == (None, first)
    (tmp_path / "mlflow.db-wal").write_bytes(b"more")
    assert look().mark != first.mark


def test_what_gives_no_sign_is_asked_seldom():
    look = hints(Settings(model="churn", registry="databricks"))
    assert look().key is None
