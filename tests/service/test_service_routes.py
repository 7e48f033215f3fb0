"""The routes of a running app, asked over HTTP as a client asks."""

import http.client
import json
import threading
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekit.errors import RegistryUnavailable, ServiceProblem
from gatekit.service_client import LiveService
from gatekit_service.app import create_app

from .conftest import World, served, wait_for

JSON = "application/json"


def serving(world, rule="threshold", **params):
    world.point(world.register(rule, **params))
    return served(create_app(world.settings(), world.opener))


def ready(client):
    wait_for(lambda: client.health()["status"] == "ok")
    return client


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with serving(World(tmp_path_factory.mktemp("world"))) as made:
        yield ready(made)


def ask(client, body, kind=JSON, path="/predict"):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, said = client.post(path, raw, kind)
    return status, json.loads(said)


def test_predict_names_the_version_that_answered(client):
    status, said = ask(client, {"features": [[1, 0, 0, 0], [-1, 0, 0, 0]]})
    assert status == 200
    assert said == {"predictions": [1, 0], "model": "churn-model", "version": "1"}


def test_invocations_has_the_shape_of_mlflow(client):
    body = {"dataframe_split": {"columns": ["x0", "x1", "x2", "x3"], "data": [[1, 0, 0, 0]]}}
    assert ask(client, body, path="/invocations") == (200, {"predictions": [1]})


def test_health_tells_stage_version_and_proof(client):
    health = client.health()
    assert (health["stage"], health["version"], health["engine"]) == ("staging", "1", "native")
    assert "never gated" in health["proof"]["none"]
    assert health["last_error"] is None


@pytest.mark.parametrize("path", ["/ping", "/health/live", "/health/ready", "/version"])
def test_the_small_routes_answer(client, path):
    connection = http.client.HTTPConnection(urlsplit(client.url).netloc)
    connection.request("GET", path)
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"{", JSON, "not valid JSON"),
        (b"", JSON, "not valid JSON"),
        (b"\xff\xfe\xff", JSON, "not valid JSON"),
        (b"[" * 100_000, JSON, "not valid JSON"),
        (b'{"features": [[' + b"9" * 5000 + b"]]}", JSON, "not valid JSON"),
        (b'{"features": [[NaN, 0, 0, 0]]}', JSON, "column 'x0', row 0"),
        (b'{"features": [[1, 2, 3, 4]]}', "text/csv", "content type"),
        (b'{"features": [[1, 2, 3]]}', JSON, "row 0 has 3 values"),
    ],
)
def test_a_bad_request_gets_422_and_a_sentence(client, body, kind, words):
    status, said = ask(client, body, kind)
    assert status == 422
    assert words in said["error"]


def test_no_body_over_the_limit_is_read(world):
    world.point(world.register())
    with served(create_app(world.settings(max_body_mb=0.01), world.opener)) as small:
        ready(small)
        status, said = ask(small, b" " * 20_000)
        assert status == 413
        assert "larger than 0.01 MB" in said["error"]
        assert ask(small, {"features": [[1, 0, 0, 0]]})[0] == 200


@settings(max_examples=60)
@given(
    st.binary(max_size=40)
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda i: (
            st.lists(i)
            | st.dictionaries(st.sampled_from(["features", "inputs", "x0", "columns", "data"]), i)
        ),
        max_leaves=8,
    ).map(lambda v: json.dumps(v).encode())
)
def test_nothing_that_is_sent_gives_500(client, raw):
    assert client.post("/predict", raw, JSON)[0] in (200, 422)


def test_a_model_that_raises_gives_422_and_no_row(world):
    with serving(world, "raise_on") as client:
        ready(client)
        status, said = ask(client, {"features": [[-271828.5, 0, 0, 0]]})
        assert (status, said) == (422, {"error": "the model refused these rows"})
        assert ask(client, {"features": [[1, 0, 0, 0]]})[0] == 200


def test_answers_that_are_no_numbers_give_422(world):
    with serving(world, "nan", every=1) as client:
        ready(client)
        status, said = ask(client, {"features": [[1, 0, 0, 0]]})
        assert status == 422
        assert "no finite answer" in said["error"]


def test_without_a_registry_the_service_starts_and_says_so(world):
    version = world.register()
    world.point(version)
    world.down = RegistryUnavailable("the registry does not answer")
    with served(create_app(world.settings(), world.opener)) as client:
        wait_for(lambda: client.health()["last_error"])
        assert client.health()["status"] == "starting"
        status, said = ask(client, {"features": [[1, 0, 0, 0]]})
        assert status == 503
        assert "no model" in said["error"]
        world.down = None
        assert ready(client).health()["version"] == version


def test_a_swap_drops_no_request(world):
    first, second = world.register(t=0.0), world.register(t=5.0)
    world.point(first)
    with served(create_app(world.settings(poll_seconds=0.02), world.opener)) as client:
        ready(client)
        seen, stop = [], threading.Event()

        def keep_asking():
            own = LiveService(client.url)
            while not stop.is_set():
                seen.append(ask(own, {"features": [[1, 0, 0, 0]]}))
            own.close()

        threads = [threading.Thread(target=keep_asking) for _ in range(3)]
        for thread in threads:
            thread.start()
        for version in (second, first, second):
            world.point(version)
            wait_for(lambda wanted=version: client.health()["version"] == wanted)
        stop.set()
        for thread in threads:
            thread.join()
    assert {status for status, _ in seen} == {200}
    answers = {(said["version"], tuple(said["predictions"])) for _, said in seen}
    assert answers == {(first, (1,)), (second, (0,))}


def test_a_service_that_is_not_there_is_named():
    with pytest.raises(ServiceProblem, match=r"http://127\.0\.0\.1:9 does not answer"):
        LiveService("http://127.0.0.1:9").health()
    with pytest.raises(ServiceProblem, match="no URL"):
        LiveService("localhost:8000")


def test_the_client_reports_a_refusal_in_the_services_words(client):
    assert client.predict([[1, 0, 0, 0]]) == [1]
    with pytest.raises(ServiceProblem, match="answered 422: features: row 0 has 1 value"):
        client.predict([[1]])
    assert client.time_predictions([[1, 0, 0, 0]], 5).min() > 0


def test_who_asked_is_told_of_each_answer_with_its_rows(world):
    world.point(world.register())
    app = create_app(world.settings(), world.opener)
    seen, refused = [], []
    app.state.wiring.state.on_answer.append(seen.append)
    app.state.wiring.state.on_refusal.append(lambda *told: refused.append(told))
    with served(app) as client:
        ready(client)
        ask(client, {"features": [[1, 0, 0, 0], [-1, 0, 0, 0]]})
        ask(client, {"features": [[1]]})
        wait_for(lambda: seen and refused)
    assert [(route, status) for route, status, _ in refused] == [("/predict", 422)]
    (answered,) = seen
    assert len(answered.rows) == 2
    assert (list(answered.predictions), answered.route) == ([1, 0], "/predict")
    assert (answered.served.version, answered.status) == ("1", 200)
