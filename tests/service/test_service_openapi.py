"""/docs: types of the request from the signature of the model in service, and MLflow's own client."""

import json
import subprocess
import sys
import urllib.request

import pytest

from gatekit.scoring.casting import decode
from gatekit.scoring.signature import TYPES, Column, Signature
from gatekit_service.app import create_app
from gatekit_service.openapi import body_schema, cell_schema

from .conftest import served, wait_for


def fetched(client, path):
    with urllib.request.urlopen(client.url + path, timeout=60) as answer:
        return answer.read().decode()


def test_the_description_names_the_columns_and_changes_with_the_version(world):
    first = world.register(columns={"age": "long", "plan": "string"})
    second = world.register(columns=("income",))
    world.point(first)
    with served(create_app(world.settings(), world.opener)) as client:
        for version, names in ((first, ["age", "plan"]), (second, ["income"])):
            world.point(version)
            wait_for(lambda wanted=version: client.health()["version"] == wanted)
            whole = json.loads(fetched(client, "/openapi.json"))
            assert f"version {version}" in whole["info"]["title"]
            body = whole["paths"]["/predict"]["post"]["requestBody"]
            forms = body["content"]["application/json"]["schema"]["anyOf"]
            records = forms[0]["properties"]["dataframe_records"]["items"]
            assert records["required"] == names
        assert "swagger" in fetched(client, "/docs").lower()


EXAMPLES = {"string": "x", "binary": "eA==", "boolean": True, "datetime": "2020-01-01T00:00:00"}


@pytest.mark.parametrize("kind", TYPES)
def test_what_the_schema_allows_is_what_casting_takes(kind):
    jsonschema = pytest.importorskip("jsonschema")
    signature = Signature((Column("a b", kind),))
    schema = body_schema(signature)
    good = EXAMPLES.get(kind, 3)
    for value, fits in ((good, True), (None, False), ([], False)):
        for form, rows in (("features", [[value]]), ("dataframe_records", [{"a b": value}])):
            body = {form: rows}
            assert jsonschema.Draft202012Validator(schema).is_valid(body) == fits
        if fits:
            assert decode({"features": [[value]]}, signature).num_rows == 1
    assert "anyOf" not in cell_schema(Column("a", "long", required=False))
    assert "anyOf" in cell_schema(Column("a", "double", required=False))


CLIENT = """
import json, sys
import pandas
from mlflow import __version__
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
client = ScoringServerClient(sys.argv[1], int(sys.argv[2]))
client.wait_server_ready(timeout=60)
frame = pandas.DataFrame([[1, 0, 0, 0], [-1, 0, 0, 0]], columns=["x0", "x1", "x2", "x3"])
said = client.invoke(frame).get_predictions()
print(json.dumps([said[0].tolist(), client.get_version() == __version__]))
"""


@pytest.mark.slow
def test_mlflows_own_client_is_answered(world):
    """In a process of its own, as whoever uses it would: MLflow warns while it is imported."""
    world.point(world.register())
    with served(create_app(world.settings(), world.opener)) as client:
        wait_for(lambda: client.health()["status"] == "ok")
        host, _, port = client.url.removeprefix("http://").partition(":")
        done = subprocess.run(
            [sys.executable, "-c", CLIENT, host, port], capture_output=True, text=True, check=False
        )
    assert done.stdout, done.stderr
    assert json.loads(done.stdout) == [[1, 0], True]


def test_requests_in_the_shapes_of_mlflow_deployments_are_answered(world):
    world.point(world.register())
    shapes = (
        {"inputs": [[1, 0, 0, 0]]},
        {"inputs": {"x0": [1], "x1": [0], "x2": [0], "x3": [0]}},
        {"instances": [[1, 0, 0, 0]]},
        {"instances": [{"x0": 1, "x1": 0, "x2": 0, "x3": 0}]},
        {"dataframe_records": [{"x3": 0, "x2": 0, "x1": 0, "x0": 1}]},
        {
            "dataframe_split": {
                "index": [7],
                "columns": ["x1", "x0", "x2", "x3"],
                "data": [[0, 1, 0, 0]],
            }
        },
    )
    with served(create_app(world.settings(), world.opener)) as client:
        wait_for(lambda: client.health()["status"] == "ok")
        for shape in shapes:
            raw = json.dumps({**shape, "params": {}}).encode()
            status, said = client.post("/invocations", raw, "application/json; charset=utf-8")
            assert (status, json.loads(said)) == (200, {"predictions": [1]}), shape
