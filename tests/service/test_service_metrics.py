"""/metrics, read with the parser of prometheus_client and with ours."""

import json

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics

from gatekit.service_metrics import read_metrics
from gatekit_service.app import create_app
from gatekit_service.metering import BUCKETS_S, Spread

from .conftest import World, served, wait_for

ROW = {"features": [[1, 0, 0, 0]]}


@pytest.fixture
def client(world):
    world.point(world.register())
    with served(create_app(world.settings(), world.opener)) as made:
        made.world = world
        wait_for(lambda: made.health()["status"] == "ok", 60)
        yield made


def post(client, body, path="/predict"):
    return client.post(path, json.dumps(body).encode(), "application/json")[0]


def test_requests_are_counted_by_route_code_and_version(client):
    for body, times in ((ROW, 3), ({"features": [[1, 0, 0, 0]] * 4}, 1), ({"features": [[1]]}, 2)):
        for _ in range(times):
            post(client, body)
    post(client, ROW, "/invocations")
    client.get("/no/such/place/4711")
    counted = {
        (labels["route"], labels["code"], labels["version"]): value
        for labels, value in read_metrics(client.metrics(), "gatekit_requests_total")
    }
    assert counted["/predict", "200", "1"] == 4
    assert counted["/predict", "422", ""] == 2
    assert counted["/invocations", "200", "1"] == 1
    assert counted["other", "404", ""] == 1
    assert read_metrics(client.metrics(), "gatekit_rows_total") == [({"version": "1"}, 8.0)]
    assert "4711" not in client.metrics()  # nothing a caller writes becomes a label


def test_latencies_are_a_histogram_that_adds_up(client):
    for _ in range(5):
        post(client, ROW)
    text = client.metrics()
    mine = [
        (labels["le"], value)
        for labels, value in read_metrics(text, "gatekit_request_seconds_bucket")
        if labels["route"] == "/predict"
    ]
    assert [float(edge) for edge, _ in mine] == [*BUCKETS_S, float("inf")]
    assert mine[-1][1] == 5
    assert [value for _, value in mine] == sorted(value for _, value in mine)


def test_the_model_its_swaps_and_its_memory_are_told(client):
    post(client, ROW)
    second = client.world.register(t=5.0)
    client.world.point(second)
    wait_for(lambda: client.health()["version"] == second, 60)
    text = client.metrics()
    ((info, _),) = read_metrics(text, "gatekit_model_info")
    assert (info["version"], info["stage"], info["engine"]) == (second, "staging", "native")
    assert read_metrics(text, "gatekit_swaps_total") == [({}, 2.0)]
    assert read_metrics(text, "gatekit_ready") == [({}, 1.0)]
    assert [labels for labels, _ in read_metrics(text, "gatekit_first_answer_seconds")] == [
        {"version": "1"}
    ]
    ((_, held),) = read_metrics(text, "process_resident_memory_bytes")
    assert held > 10 * 2**20


def test_it_is_openmetrics_for_who_asks_for_it(client):
    client._headers = {"Accept": "application/openmetrics-text; version=1.0.0"}
    families = {family.name for family in open_metrics(client.metrics())}
    assert {"gatekit_requests", "gatekit_request_seconds", "gatekit_model"} <= families


def test_a_proof_says_when_it_ends(tmp_path):
    from datetime import UTC, datetime

    from gatekit.attest.keys import generate

    world, key = World(tmp_path), generate()
    version = world.register()
    world.gate(version, created=datetime.now(UTC).isoformat(timespec="seconds"), signer=key, days=2)
    world.point(version)
    with served(create_app(world.settings(gates=world.policy(ci=key)), world.opener)) as client:
        wait_for(lambda: client.health()["status"] == "ok", 60)
        ((_, left),) = read_metrics(client.metrics(), "gatekit_proof_expiry_seconds")
    assert 86400 < left <= 2 * 86400


def test_a_registry_that_is_down_is_seen(world):
    from gatekit.errors import RegistryUnavailable

    world.down = RegistryUnavailable("the registry does not answer")
    with served(create_app(world.settings(), world.opener)) as client:
        wait_for(lambda: client.health()["last_error"], 60)
        assert read_metrics(client.metrics(), "gatekit_last_error") == [({}, 1.0)]
        assert read_metrics(client.metrics(), "gatekit_ready") == [({}, 0.0)]


def test_a_spread_counts_each_once_and_edges_belong_below():
    spread = Spread()
    for seconds in (0.0, 0.0005, 0.00051, 10.0, 11.0):
        spread.add(seconds)
    rising = dict(spread.cumulated())
    assert (rising["0.0005"], rising["0.001"], rising["10.0"], rising["+Inf"]) == (2, 3, 4, 5)
