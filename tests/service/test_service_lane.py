"""The quick lane answers as the long way does, and gives up what is not for it."""

import json
import socket
import time
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekit_service import lane
from gatekit_service.app import create_app
from gatekit_service.lane import read_head

from .conftest import World, linear_form, served, wait_for

GOOD = b'{"features": [[1, 0, 0, 0], [-1, 0, 0, 0]]}'
LONG_WAY = b"Connection: keep-alive, foo\r\n"  # nothing is changed by it, but it is not plain


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("lane"))
    version = world.register()
    world.gate(version, form=linear_form(1.0, 0.0, 0.0, 0.0))
    world.point(version)
    with served(create_app(world.settings(), world.opener)) as client:
        wait_for(lambda: client.health().get("engine") == "compiled")
        host, _, port = urlsplit(client.url).netloc.partition(":")
        yield host, int(port)


def request(body, more=b"", path=b"/predict", length=None):
    size = len(body) if length is None else length
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\n%bContent-Length: %d\r\n\r\n"
    return head % (path, more, size) + body


def answers(line, many=1):
    """Status, headers (but the date) and body of each."""
    stream, found = line.makefile("rb"), []
    for _ in range(many):
        status = int(stream.readline().split()[1])
        headers = {}
        while (read := stream.readline()) != b"\r\n":
            name, _, value = read.decode().partition(": ")
            headers[name.lower()] = value.strip()
        headers.pop("date")
        found.append((status, headers, stream.read(int(headers["content-length"]))))
    return found if many > 1 else found[0]


def ask(address, *pieces, many=1):
    with socket.create_connection(address, timeout=60) as line:
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(0.05)
            line.sendall(piece)
        return answers(line, many)


def test_a_plain_request_is_answered_in_the_lane(address, monkeypatch):
    monkeypatch.setattr(lane.Lane, "_give_up", lambda *_: pytest.fail("it was given up"))
    status, headers, body = ask(address, request(GOOD))
    assert (status, headers["x-request-id"]) == (200, "mine")
    assert headers["server"] == "uvicorn"
    assert json.loads(body)["predictions"] == [1, 0]
    split = request(GOOD)
    assert ask(address, split[:-7], split[-7:])[2] == body  # the body came in two pieces
    assert ask(address, request(b"no JSON"))[0] == 422


@given(
    st.sampled_from([GOOD, b"", b"{}", b'{"features": [[1]]}', b"\xff", GOOD + b" " * 9000]),
    st.sampled_from([b"/predict", b"/invocations"]),
    st.sampled_from([b"", b"Content-Type: text/csv\r\n", b"X-Request-Id: a b\r\n"]),
)
def test_both_ways_give_the_same_answer(address, body, path, more):
    quick = ask(address, request(body, more, path))
    slow = ask(address, request(body, more + LONG_WAY, path))
    if quick[1]["x-request-id"] != "mine":
        assert quick[1].pop("x-request-id") != slow[1].pop("x-request-id")
    assert quick == slow


@pytest.mark.parametrize(
    "pieces",
    [
        (request(GOOD) + request(GOOD),),
        (request(GOOD)[:20], request(GOOD)[20:] + request(GOOD)),
        (request(GOOD)[:-5], request(GOOD)[-5:] + request(GOOD)),
        (request(GOOD, LONG_WAY), request(GOOD)),
        (request(GOOD), request(GOOD, LONG_WAY)),
        (request(GOOD), request(GOOD)),
    ],
    ids=["pipelined", "head in two", "body in two", "long first", "long second", "kept"],
)
def test_however_it_comes_each_request_has_its_answer(address, pieces):
    found = ask(address, *pieces, many=2)
    assert [status for status, _, _ in found] == [200, 200]


def test_what_the_lane_does_not_know_goes_the_long_way(address):
    with socket.create_connection(address, timeout=60) as line:
        line.sendall(request(GOOD))
        assert answers(line)[0] == 200
        line.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answers(line)[0] == 200
        line.sendall(b"no HTTP at all\r\n\r\n")
        assert answers(line)[0] == 400


def test_a_body_that_does_not_come_is_left_to_uvicorn(address, monkeypatch):
    monkeypatch.setattr(lane, "BODY_SECONDS", 0.1)
    whole = request(GOOD)
    with socket.create_connection(address, timeout=60) as line:
        line.sendall(whole[:-5])
        time.sleep(0.5)
        line.sendall(whole[-5:])
        assert answers(line)[0] == 200


def test_a_connection_is_given_up_once(address, monkeypatch):
    """The clock of a body that came must not run out on the next, nor both give it up."""
    given_up, give_up = [], lane.Lane._give_up
    monkeypatch.setattr(lane, "BODY_SECONDS", 0.4)
    monkeypatch.setattr(
        lane.Lane, "_give_up", lambda self, data: (given_up.append(self), give_up(self, data))
    )
    whole = request(GOOD)
    with socket.create_connection(address, timeout=60) as line:
        for pause_s in (0.1, 0.7):
            line.sendall(whole[:-5])
            time.sleep(pause_s)
            line.sendall(whole[-5:])
            assert answers(line)[0] == 200
    assert len(given_up) == 1


def test_an_idle_connection_is_closed_and_a_busy_one_is_not(tmp_path, monkeypatch):
    world = World(tmp_path)
    version = world.register()
    world.gate(version, form=linear_form(1.0, 0.0, 0.0, 0.0))
    world.point(version)
    begin = lane.Lane.__init__

    def hasty(self, *args, **made):
        begin(self, *args, **made)
        self._keep_s = 0.6

    monkeypatch.setattr(lane.Lane, "__init__", hasty)
    with served(create_app(world.settings(), world.opener)) as client:
        wait_for(lambda: client.health().get("engine") == "compiled")
        host, _, port = urlsplit(client.url).netloc.partition(":")
        with socket.create_connection((host, int(port)), timeout=60) as line:
            for _ in range(6):
                line.sendall(request(GOOD))
                assert answers(line)[0] == 200
                time.sleep(0.2)
            assert line.recv(1) == b""


HEAD = request(GOOD).partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace(b"POST", b"GET"),
        HEAD.replace(b"/predict", b"/predict?x=1"),
        HEAD.replace(b"HTTP/1.1", b"HTTP/1.0"),
        HEAD + b"\r\nTransfer-Encoding: chunked",
        HEAD + b"\r\nContent-Length: 5",
        HEAD + b"\r\nExpect: 100-continue",
        HEAD + b"\r\nConnection: close",
        HEAD + b"\r\nUpgrade: websocket",
        HEAD + b"\r\n folded",
        HEAD + b"\r\nName : value",
        HEAD + b"\r\nname: a\nb",
        HEAD + b"\r\nname: \x00",
        HEAD + b"\r\nno colon",
        HEAD.replace(b"Content-Length: 43", b"Content-Length: -43"),
        HEAD.replace(b"Content-Length: 43", b"Content-Length: 4_3"),
        HEAD.replace(b"\r\nContent-Length: 43", b""),
    ],
)
def test_a_head_that_is_not_plain_is_not_for_the_lane(head):
    assert read_head(HEAD)[0].length == len(GOOD)
    assert read_head(head) is None
