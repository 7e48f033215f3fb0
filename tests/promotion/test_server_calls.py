"""How often a signed promotion asks a real server: `gatekit promote`, seen from a proxy before it."""

import pytest

from gatekit import cli
from gatekit.attest.keys import generate
from gatekit.policy_file import read_policy
from gatekit.promotion.verify import Question, verified, verify

from .ground import Ground
from .proxy import proxy_before

pytestmark = pytest.mark.slow
MOST_CALLS = {"alias": 10, "stage": 12}
POLICY = """
model = "{name}"
pointer = "{pointer}"

[data.holdout]
path = "holdout.parquet"
target = "churn"

[gates.accuracy]
floor = 0.8

[gates.latency]
p99_ms = 50

[promotion.staging]
requires = ["accuracy", "latency"]

[keys.ci]
public = "ci.pem.pub"
roles = ["attest", "promote"]
"""


@pytest.fixture
def ground(mlflow_server, request, tmp_path, monkeypatch):
    """A project whose policy trusts one key, and two versions with a signed pass each."""
    monkeypatch.chdir(tmp_path)
    key, name = generate(), f"calls-{request.param}"
    (tmp_path / "ci.pem.pub").write_text(key.public.pem)
    (tmp_path / "gates.toml").write_text(POLICY.format(name=name, pointer=request.param))
    monkeypatch.setenv("GATEKIT_SIGNING_KEY", key.pem)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    policy = read_policy(tmp_path / "gates.toml")
    made = Ground(mlflow_server[0], policy, name, key)
    made.add()
    made.add()
    return made


def is_for_files(path):
    """MLflow's file client asks once what its server can do before it copies anything."""
    return "artifacts" in path or path.endswith("/server-info")


@pytest.mark.parametrize("ground", ["alias", "stage"], indirect=True)
def test_how_often_a_signed_promotion_asks(ground, capsys, monkeypatch):
    for version in ("1", "2"):
        with proxy_before(ground.uri) as proxy:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.uri)
            assert cli.main(["promote", f"models:/{ground.name}/{version}", "--to", "staging"]) == 0
    assert ground.holder() == "2"
    assert ground.problems() == []
    assert verified(
        verify(Question(ground.name, "2", ("staging",)), ground.registry, ground.policy)
    )
    calls = [f"{how} {path}" for how, path in proxy.seen if not is_for_files(path)]
    pointer = ground.policy.pointer
    with capsys.disabled():
        print(f"\n  {pointer}: {len(calls)} calls, {len(proxy.seen) - len(calls)} for files")  # noqa: T201 - the figure is what is asked for
    assert len(calls) <= MOST_CALLS[pointer], "\n".join(calls)
