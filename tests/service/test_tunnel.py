"""A service behind a tunnel: what a proxy adds is understood, and a hook arrives as it was signed."""

import http.client
import json
import socket
import sys
import threading
import time
import types
import uuid
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from gatekit import cli
from gatekit.commands import expose
from gatekit.service_client import LiveService
from gatekit_service.app import create_app

from .conftest import served, wait_for
from .test_service_hooks import SECRET, event, signed

PUBLIC = "churn.example.org"


@contextmanager
def tunnel(port):
    """A forwarder on loopback that adds what a public tunnel adds; gives its own port."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def carry(source, sink, first=b""):
        try:
            sink.sendall(first)
            while piece := source.recv(65536):
                sink.sendall(piece)
        except OSError:
            pass
        finally:
            sink.close()

    def take(client):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(65536)
            if not piece:
                client.close()
                return
            head += piece
        line, _, rest = head.partition(b"\r\n")
        added = f"X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: {PUBLIC}\r\n"
        inner = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=carry, args=(inner, client), daemon=True).start()
        carry(client, inner, line + b"\r\n" + added.encode() + rest)

    def listen():
        while not ended.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=take, args=(client,), daemon=True).start()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        listener.close()


@pytest.fixture
def behind(world):
    """A service that is asked through the tunnel, never directly."""
    world.point(world.register())
    settings = world.settings(poll_seconds=3600.0, hook_secret=SECRET)
    app = create_app(settings, world.opener)
    with served(app) as client:
        wait_for(lambda: client.health()["status"] == "ok", 60)
        with tunnel(urlsplit(client.url).port) as port:
            outer = LiveService(f"http://127.0.0.1:{port}")
            outer.world, outer.inner = world, client
            yield outer
            outer.close()


def test_predictions_and_the_page_come_through(behind):
    assert behind.predict([[1, 0, 0, 0]]) == [1]
    assert behind.get("/")[0] == 200
    assert json.loads(behind.get("/page/state")[1])["health"]["version"] == "1"


def test_a_redirect_leads_back_to_the_public_scheme(behind):
    """A forwarded scheme is believed from loopback, where a tunnel's client runs."""
    connection = http.client.HTTPConnection(urlsplit(behind.url).netloc)
    connection.request("GET", "/health/live/", headers={"Host": PUBLIC})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 307
    assert answer.headers["location"] == f"https://{PUBLIC}/health/live"


def test_a_hook_is_verified_on_the_bytes_that_arrive(behind):
    second = behind.world.register(t=5.0)
    behind.world.point(second)
    body = event()
    behind._headers = signed(body, str(uuid.uuid4()), time.time())
    assert behind.post("/hooks/mlflow", body, "application/json")[0] == 202
    wait_for(lambda: behind.inner.health()["version"] == second, 60)
    behind._headers = signed(body, str(uuid.uuid4()), time.time())
    assert behind.post("/hooks/mlflow", body + b" ", "application/json")[0] == 401


def test_expose_opens_a_tunnel_and_closes_it(behind, monkeypatch, capsys):
    opened, asked = [], []
    port = urlsplit(behind.inner.url).port

    class Ngrok:
        """pyngrok's three functions, over the forwarder above."""

        @staticmethod
        def connect(address, proto):
            opened.append(tunnel(int(address.rpartition(":")[2])))
            assert proto == "http"
            outer = opened[-1].__enter__()
            return types.SimpleNamespace(public_url=f"http://127.0.0.1:{outer}")

        @staticmethod
        def disconnect(url):
            asked.append(url)

        @staticmethod
        def kill():
            opened.pop().__exit__(None, None, None)

    def meanwhile():
        url = capsys.readouterr().out.split()[1]
        service = LiveService(url)
        assert service.predict([[1, 0, 0, 0]]) == [1]
        service.close()
        asked.append(url)
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "pyngrok", types.SimpleNamespace(ngrok=Ngrok))
    monkeypatch.setattr(expose, "wait_for_interrupt", meanwhile)
    assert cli.main(["expose", "--port", str(port)]) == 0
    assert len(asked) == 2
    assert asked[0] == asked[1]
    assert not opened
    assert capsys.readouterr().out == "closed\n"


def test_a_tunnel_that_cannot_be_had_is_told(monkeypatch, capsys):
    def refuse(*_):
        raise OSError("authentication failed: no token\nand much more")

    fake = types.SimpleNamespace(ngrok=types.SimpleNamespace(connect=refuse))
    monkeypatch.setitem(sys.modules, "pyngrok", fake)
    assert cli.main(["expose"]) == 1
    assert "authentication failed: no token. Is NGROK_AUTHTOKEN set" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "pyngrok", None)
    assert cli.main(["expose"]) == 4
    assert "pytest-gatekit[expose]" in capsys.readouterr().err
    assert cli.main(["expose", "--port", "0"]) == 4
