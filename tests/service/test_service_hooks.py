"""/hooks/mlflow: whose deliveries count, and that a delivery is a hint and nothing more."""

import base64
import hashlib
import hmac
import json
import time
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekit_service.app import create_app
from gatekit_service.hook_signature import (
    ID,
    MOST_IDS,
    SIGNATURE,
    TIMESTAMP,
    WINDOW_S,
    Deliveries,
    signature_of,
)

from .conftest import NAME, World, served, wait_for

SECRET = "s3cret of a webhook"
NOW = 1_790_000_000.0


def signed(body, delivery="d-1", at=NOW, secret=SECRET):
    stamp = str(int(at))
    return {ID: delivery, TIMESTAMP: stamp, SIGNATURE: signature_of(secret, delivery, stamp, body)}


def event(name=NAME, version="2", **data):
    data = {"name": name, "alias": "staging", "version": version, **data}
    said = {"entity": "model_version_alias", "action": "created", "data": data}
    return json.dumps(said).encode()


def test_the_signature_is_the_one_mlflow_makes():
    # written down from a delivery of MLflow 3: HMAC-SHA256 over "id.timestamp.body", base64
    made = hmac.new(b"key", b"an-id.1700000000." + b'{"a": 1}', hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(made).decode()
    assert signature_of("key", "an-id", "1700000000", b'{"a": 1}') == wanted


def test_a_delivery_counts_once():
    deliveries, body = Deliveries(SECRET), event()
    assert deliveries.judge(signed(body), body, NOW) == "new"
    # MLflow repeats a delivery with the same id, stamp and signature up to ten seconds later
    assert deliveries.judge(signed(body), body, NOW + 10) == "seen before"
    assert deliveries.judge(signed(body, "d-2"), body, NOW + 10) == "new"


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_body_with_one_byte_changed_is_refused(place, byte):
    body = event()
    place %= len(body)
    changed = body[:place] + bytes([byte]) + body[place + 1 :]
    wanted = "new" if changed == body else "wrong signature"
    assert Deliveries(SECRET).judge(signed(body), changed, NOW) == wanted


@pytest.mark.parametrize("gone", [ID, TIMESTAMP, SIGNATURE])
def test_a_delivery_without_its_headers_is_unsigned(gone):
    headers = {key: value for key, value in signed(b"{}").items() if key != gone}
    assert Deliveries(SECRET).judge(headers, b"{}", NOW) == "unsigned"


def test_another_secret_or_stamp_or_id_is_refused():
    body, deliveries = event(), Deliveries(SECRET)
    assert deliveries.judge(signed(body, secret="other"), body, NOW) == "wrong signature"
    for key, value in ((TIMESTAMP, str(int(NOW) + 1)), (ID, "d-9")):
        assert deliveries.judge({**signed(body), key: value}, body, NOW) == "wrong signature"
    assert (
        deliveries.judge({**signed(body), SIGNATURE: "v1,\u00e9"}, body, NOW) == "wrong signature"
    )


@given(st.floats(-3 * WINDOW_S, 3 * WINDOW_S))
def test_the_window_is_wider_than_the_retries_of_mlflow_and_has_an_end(age):
    body = event()
    said = Deliveries(SECRET).judge(signed(body), body, NOW + age)
    assert said == ("new" if abs(age) <= WINDOW_S else "too old")


def test_a_replay_is_known_for_as_long_as_its_stamp_is_young():
    body, deliveries = event(), Deliveries(SECRET)
    early = signed(body, at=NOW + WINDOW_S)  # a clock that goes ahead
    assert deliveries.judge(early, body, NOW) == "new"
    assert deliveries.judge(early, body, NOW + 2 * WINDOW_S - 1) == "seen before"
    assert deliveries.judge(early, body, NOW + 2 * WINDOW_S + 1) == "too old"


def test_what_is_remembered_is_bounded():
    deliveries = Deliveries(SECRET)
    for number in range(MOST_IDS + 50):
        deliveries._seen[f"d-{number}"] = NOW
    body = event()
    assert deliveries.judge(signed(body), body, NOW) == "new"
    assert len(deliveries._seen) == MOST_IDS


@pytest.fixture(scope="module")
def hooked(tmp_path_factory):
    """A service that looks at its pointer once an hour, unless it is woken."""
    world = World(tmp_path_factory.mktemp("hooked"))
    world.point(world.register())
    app = create_app(world.settings(poll_seconds=3600.0, hook_secret=SECRET), world.opener)
    with served(app) as client:
        wait_for(lambda: client.health()["status"] == "ok", 60)
        client.world, client.wiring = world, app.state.wiring
        yield client


def deliver(client, body, headers=None, path="/hooks/mlflow"):
    given = signed(body, str(uuid.uuid4()), time.time()) if headers is None else headers
    kept, client._headers = client._headers, {**client._headers, **given}
    try:
        status, raw = client.post(path, body, "application/json")
    finally:
        client._headers = kept
    return status, json.loads(raw)


def test_a_signed_event_makes_the_service_look_and_nothing_else_does(hooked):
    world = hooked.world
    second = world.register(t=5.0)
    world.point(second)
    for headers in ({}, signed(event(), "x", time.time(), "guessed")):
        status, said = deliver(hooked, event(), headers)
        assert status == 401
        assert said["error"] in ("unsigned", "wrong signature")
    assert hooked.health()["version"] == "1"
    assert deliver(hooked, event()) == (202, {"status": "looking"})
    wait_for(lambda: hooked.health()["version"] == second, 60)


def test_an_event_names_no_version_that_is_served(hooked):
    before = hooked.health()["version"]
    third = hooked.world.register(t=9.0)  # registered, and no pointer at it
    assert deliver(hooked, event(version=third, alias="staging"))[0] == 202
    wait_for(lambda: not hooked.wiring.watcher._awake.is_set())
    assert hooked.health()["version"] == before


@pytest.mark.parametrize(
    "body",
    [event("example_model"), b"[]", b"{", b'{"data": {}}', b'{"data": null}', b"[" * 60_000],
    ids=["MLflow's test", "list", "no JSON", "no name", "null", "deep"],
)
def test_what_is_not_about_this_model_is_heard_and_left(hooked, body):
    assert deliver(hooked, body) == (200, {"status": "not about what is served here"})


def test_a_replay_and_a_large_body(hooked):
    body = event()
    once = signed(body, "once", time.time())
    assert [deliver(hooked, body, once)[0] for _ in range(3)] == [202, 200, 200]
    assert deliver(hooked, b" " * 100_000)[0] == 413


def test_a_storm_is_one_look_at_a_time(hooked):
    looks = []
    watcher = hooked.wiring.watcher
    look, watcher.look = watcher.look, lambda: looks.append(time.monotonic()) or look()
    body = event()
    started = time.monotonic()
    for _ in range(200):
        assert deliver(hooked, body)[0] == 202
    took = time.monotonic() - started
    wait_for(lambda: looks)
    watcher.look = look
    assert len(looks) <= took / 0.5 + 2


@settings(max_examples=50)
@given(
    st.binary(max_size=60),
    st.dictionaries(st.sampled_from([ID, TIMESTAMP, SIGNATURE]), st.text("a1,.=v", max_size=9)),
)
def test_nothing_unsigned_is_ever_let_in(hooked, body, headers):
    assert deliver(hooked, body, headers)[0] == 401


def test_without_a_secret_there_are_no_hooks(world):
    world.point(world.register())
    with served(create_app(world.settings(), world.opener)) as client:
        status, said = deliver(client, event())
    assert status == 404
    assert "GATEKIT_HOOK_SECRET" in said["error"]
