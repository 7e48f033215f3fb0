"""What the service does not let in, and what it says then: size, rows, time, queue, token."""

import http.client
import json
import logging
import signal
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

import pytest

from gatekit.errors import ServiceProblem
from gatekit.service_client import LiveService
from gatekit_service import asked
from gatekit_service.app import create_app
from gatekit_service.logs import REQUEST, JsonLines, request_id

from .conftest import linear_form, served, service_started, wait_for

BODY = json.dumps({"features": [[1, 0, 0, 0]]}).encode()


def serving(world, rule="threshold", params=None, **changed):
    world.point(world.register(rule, **(params or {})))
    return served(create_app(world.settings(**changed), world.opener))


def send(client, path="/predict", body=BODY, method="POST", **headers):
    """Status, headers and body of one request on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(client.url).netloc, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"Content-Type": "application/json", **named})
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    return answer.status, answer.headers, json.loads(raw)


def ready(client):
    wait_for(lambda: client.health()["status"] == "ok")
    return client


def test_more_rows_than_allowed_are_refused(world):
    with serving(world, max_rows=2) as client:
        ready(client)
        for rows, status in ((2, 200), (3, 413)):
            body = json.dumps({"features": [[1, 0, 0, 0]] * rows}).encode()
            assert send(client, body=body)[0] == status


def test_what_waits_too_long_is_shed_and_told_when_to_come_back(world):
    params = {"ms": 400}
    with serving(world, "sleep", params, queue=2) as client:
        ready(client)
        seen = []
        threads = [threading.Thread(target=lambda: seen.append(send(client))) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        statuses = [status for status, _, _ in seen]
        assert set(statuses) == {200, 503}
        shed = next(one for one in seen if one[0] == 503)
        assert shed[1]["retry-after"] == "1"
        assert "too many requests wait" in shed[2]["error"]
        assert send(client)[0] == 200


def test_a_model_that_takes_too_long_gets_503(world):
    with serving(world, "sleep", {"ms": 1000}, timeout_seconds=0.2) as client:
        wait_for(lambda: client.health()["version"])
        status, headers, said = send(client)
        assert (status, headers["retry-after"]) == (503, "1")
        assert "no answer within 0.2 s" in said["error"]


def test_a_body_that_trickles_in_is_given_up(world):
    with serving(world, timeout_seconds=0.5) as client:
        ready(client)
        host, _, port = urlsplit(client.url).netloc.partition(":")
        with socket.create_connection((host, int(port)), timeout=60) as line:
            line.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
            assert line.recv(4096).startswith(b"HTTP/1.1 408")
        assert send(client)[0] == 200


def test_a_caller_reads_why_its_large_body_was_refused(world):
    """It sends all of it before it reads; a line closed meanwhile would be reset."""
    with serving(world, max_body_mb=1) as client:
        ready(client)
        line = http.client.HTTPConnection(urlsplit(client.url).netloc, timeout=60)
        line.request("POST", "/predict", b" " * (12 << 20))
        assert line.getresponse().status == 413
        assert send(client)[0] == 200


def test_a_large_body_that_announces_no_length_is_cut_off(world, monkeypatch):
    monkeypatch.setattr(asked, "LINGER_SECONDS", 0.2)
    with serving(world, max_body_mb=0.01) as client:
        ready(client)
        host, _, port = urlsplit(client.url).netloc.partition(":")
        with socket.create_connection((host, int(port)), timeout=60) as line:
            line.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
            line.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
            assert line.recv(4096).startswith(b"HTTP/1.1 413")


def test_the_token_guards_predictions_and_nothing_else(world):
    with serving(world, token="s3cret") as client:
        ready(client)
        for path in ("/predict", "/invocations"):
            status, headers, _ = send(client, path)
            assert (status, headers["www-authenticate"]) == (401, "Bearer")
            assert send(client, path, authorization="Bearer s3cre")[0] == 401
            assert send(client, path, authorization="Bearer s3cret")[0] == 200
        assert send(client, "/health/live", None, "GET")[0] == 200


@pytest.mark.parametrize("given", ["", "s3cre"])
def test_gates_with_a_missing_or_wrong_token_say_so(world, given):
    with serving(world, token="s3cret") as client:
        ready(client)
        mine = LiveService(client.url, token=given)
        for ask in (mine.predict, lambda rows: mine.time_predictions(rows, 3)):
            with pytest.raises(ServiceProblem, match=r"answered 401: .* Set GATEKIT_TOKEN to"):
                ask([[1, 0, 0, 0]])
        mine.close()


def test_other_methods_are_told_which_is_meant(world):
    with serving(world) as client:
        status, headers, _ = send(ready(client), method="PUT")
        assert (status, headers["allow"]) == (405, "POST")


def test_the_callers_request_id_comes_back_and_a_bad_one_does_not(world):
    with serving(world) as client:
        ready(client)
        assert send(client, x_request_id="abc-1")[1]["x-request-id"] == "abc-1"
        assert send(client, body=b"{", x_request_id="abc-2")[1]["x-request-id"] == "abc-2"
        made = {send(client, x_request_id="two words")[1]["x-request-id"] for _ in range(3)}
        assert len(made) == 3
        assert "two words" not in made


def test_log_lines_are_json_with_the_request_they_belong_to():
    token = REQUEST.set(request_id(b"abc"))
    try:
        record = logging.LogRecord("x", logging.WARNING, "f", 1, "a\n%s", ("b\u2028",), None)
        record.fields = {"status": 200}
        line = JsonLines().format(record)
    finally:
        REQUEST.reset(token)
    assert line.isascii()
    assert "\n" not in line
    said = json.loads(line)
    assert (said["level"], said["request_id"], said["status"]) == ("warning", "abc", 200)


def test_one_bad_row_in_a_batch_spoils_no_other_request(world):
    version = world.register()
    world.gate(version, form=linear_form(1, 0, 0, 0))
    world.point(version)
    app = create_app(world.settings(), world.opener)
    with served(app) as client:
        ready(client)
        app.state.wiring.state.served.predictor.is_batched = True
        bad = json.dumps({"features": [[1e308, 0, 0, 0]]}).encode().replace(b"1e+308", b"1e308")
        worse = json.dumps({"features": [[1, 0, 0]]}).encode()
        seen, threads = [], []
        for body, wanted in [(BODY, 200), (worse, 422), (bad, 200)] * 8:
            threads.append(
                threading.Thread(
                    target=lambda b=body, w=wanted: seen.append((send(client, body=b)[0], w))
                )
            )
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 24
        assert all(got == wanted for got, wanted in seen)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_sigterm_lets_what_is_under_way_end(world, tmp_path):
    world.point(world.register("sleep", ms=1500))
    settings, answers = world.settings(prepare="inside"), []
    with service_started(settings, tmp_path / "log") as process:
        client = LiveService(process.url)
        wait_for(lambda: client.health()["version"])
        asking = threading.Thread(target=lambda: answers.append(send(client)[0]))
        asking.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        asking.join(60)
        client.close()
        assert answers == [200]
        assert process.wait(60) in (0, -signal.SIGTERM)
