"""How often `gatekit promote` and `rollback --now` ask a real server, seen from a proxy before it."""

import pytest

from gatekit import cli
from gatekit.attest.keys import generate
from gatekit.policy_file import read_policy
from gatekit.promotion.desk import Desk
from gatekit.promotion.protocol import settle
from gatekit.promotion.verify import Question, verified, verify
from gatekit.times import utc_now

from .ground import Ground
from .proxy import proxy_before

pytestmark = pytest.mark.slow
MOST_OF_A_PROMOTION = {"alias": 10, "stage": 12, "copy": 14}
MOST_AT_ONCE = {"alias": 6, "stage": 6, "copy": 8}  # MLflow asks thrice to copy
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


def calls_of(ground, monkeypatch, *argv):
    """What one command asks of the registry, without what it asks for files."""
    with proxy_before(ground.uri) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.uri)
        assert cli.main(argv) == 0
    return [f"{how} {path}" for how, path in proxy.seen if not is_for_files(path)]


@pytest.mark.parametrize("ground", ["alias", "stage", "copy"], indirect=True)
def test_how_often_a_signed_promotion_and_a_rollback_at_once_ask(ground, capsys, monkeypatch):
    for version in ("1", "2"):
        uri = f"models:/{ground.name}/{version}"
        promoting = calls_of(ground, monkeypatch, "promote", uri, "--to", "staging")
    assert ground.holder() == "2"
    assert ground.problems() == []
    assert verified(
        verify(Question(ground.name, "2", ("staging",)), ground.registry, ground.policy)
    )
    back = ("rollback", ground.name, "--stage", "staging", "--now", "it is on fire")
    returning = calls_of(ground, monkeypatch, *back)
    assert ground.holder() == "1"
    assert settle(Desk.of(ground.registry, ground.policy, "ana", utc_now))[0]
    assert ground.problems() == []
    pointer = ground.policy.pointer
    with capsys.disabled():
        print(f"\n  {pointer}: promotion {len(promoting)}, rollback at once {len(returning)} calls")  # noqa: T201 - the figure is what is asked for
    assert len(promoting) <= MOST_OF_A_PROMOTION[pointer], "\n".join(promoting)
    assert len(returning) <= MOST_AT_ONCE[pointer], "\n".join(returning)
