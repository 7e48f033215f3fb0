"""Environments made by uv from wheels that lie here: whole, kept, and never by a stranger's code."""

import sys
import threading

import pytest

from gatekit.environments import build as room
from gatekit.environments import uv
from gatekit.environments.build import already_built, build
from gatekit.errors import ModelMisbehaved, UsageProblem

from .wheels import write_source, write_wheel

pytestmark = pytest.mark.usefixtures("bare", "cache")


@pytest.fixture
def asked(monkeypatch):
    """What uv was asked, in order."""
    calls = []

    def listen(*arguments):
        calls.append(arguments[:2])
        return uv.ask_uv(*arguments)

    monkeypatch.setattr(room, "ask_uv", listen)
    return calls


def test_it_holds_what_is_declared_and_what_that_needs_and_is_made_once(wheels, declare, asked):
    write_wheel(wheels, "alpha", "1.0", ["beta>=2"])
    write_wheel(wheels, "beta", "2.1")
    assert already_built(declare("alpha==1.0")) is None
    built = build(declare("alpha==1.0"))
    assert built.packages == {"alpha": "1.0", "beta": "2.1"}
    assert (built.added, len(built.sha256)) == ((), 64)
    assert [*built.folder.glob("lib/python*/site-packages/__pycache__/alpha.*.pyc")]
    made = len(asked)
    assert build(declare("alpha==1.0")) == built == already_built(declare("alpha==1.0"))
    assert len(asked) == made
    assert build(declare("alpha==1.0", "beta==2.1")).folder != built.folder


def test_two_builders_at_once_make_one(wheels, declare, asked, cache):
    write_wheel(wheels, "alpha", "1.0")
    made = []
    builders = [
        threading.Thread(target=lambda: made.append(build(declare("alpha")))) for _ in range(3)
    ]
    for each in builders:
        each.start()
    for each in builders:
        each.join()
    assert len(made) == 3
    assert made[0] == made[1] == made[2]
    assert asked.count(("pip", "install")) == 1
    assert [*cache.glob(".making-*")] == []


def test_one_that_is_no_longer_what_it_was_is_made_again(wheels, declare):
    write_wheel(wheels, "alpha", "1.0")
    built = build(declare("alpha"))
    (info,) = built.folder.glob("lib/python*/site-packages/alpha-1.0.dist-info/METADATA")
    info.write_text(info.read_text().replace("1.0", "9.9"))
    assert already_built(declare("alpha")) is None
    assert build(declare("alpha")).packages == {"alpha": "1.0"}
    (built.folder / room.RECORD).write_text("{")
    assert build(declare("alpha")).packages == {"alpha": "1.0"}


def test_what_cannot_be_had_together_fails_with_the_resolvers_reason(wheels, declare, cache):
    write_wheel(wheels, "alpha", "1.0", ["beta<2"])
    write_wheel(wheels, "beta", "2.1")
    with pytest.raises(ModelMisbehaved, match=r"alpha depend on beta<2") as refused:
        build(declare("alpha", "beta==2.1"))
    assert "cannot be built: No solution found" in str(refused.value)
    assert "://" not in str(refused.value)
    assert str(wheels) not in str(refused.value)
    assert not [*cache.glob(".making-*")]
    with pytest.raises(ModelMisbehaved, match="gamma"):
        build(declare("gamma==3"))


def test_a_source_distribution_is_not_built_and_so_runs_nothing(wheels, declare, tmp_path):
    ran = tmp_path / "ran"
    write_source(wheels, "alpha", "1.0", f"open({str(ran)!r}, 'w')\n")
    with pytest.raises(ModelMisbehaved, match="alpha") as refused:
        build(declare("alpha"))
    assert "Only wheels are installed" in str(refused.value)
    assert not ran.exists()


def test_a_python_that_is_not_here_is_replaced_by_ours(wheels, declare):
    import platform

    write_wheel(wheels, "alpha", "1.0")
    assert build(declare("alpha", python="3.99.1")).version == platform.python_version()


@pytest.mark.parametrize(
    ("pins", "added"),
    [
        ({}, ["numpy", "pyarrow>=16", "pyyaml"]),
        ({"numpy": "2.4.6", "pyyaml": "6"}, ["pyarrow>=16"]),
        ({"numpy": "1.26.4", "pyyaml": "6"}, ["pyarrow>=16,<22"]),
        ({"numpy": "1.26.4", "pyyaml": "6", "pyarrow": "15"}, []),
    ],
)
def test_what_is_added_is_what_the_declared_packages_do_not_bring(monkeypatch, pins, added):
    monkeypatch.setattr(room, "WORKER_NEEDS", ("numpy", "pyarrow>=16", "pyyaml"))
    assert room._additions(pins) == added


def test_without_uv_the_error_says_how_to_get_it(monkeypatch, declare):
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageProblem, match="pip install uv"):
        build(declare("alpha"))


def test_an_index_out_of_reach_is_not_the_models_fault(monkeypatch, declare):
    for name in ("UV_NO_INDEX", "UV_FIND_LINKS", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://user:word@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(UsageProblem, match="index within reach") as failed:
        build(declare("gatekit-no-such-package"))
    assert "127.0.0.1" not in str(failed.value)
    assert "word" not in str(failed.value)


def test_uv_sees_its_own_settings_and_no_token():
    seen = uv.uv_environment(
        {"UV_INDEX_URL": "a", "https_proxy": "b", "SSL_CERT_FILE": "c", "HOME": "d"}
        | {"GATEKIT_SIGNING_KEY": "x", "MLFLOW_TRACKING_TOKEN": "x", "CI_JOB_TOKEN": "x"}
        | {"VIRTUAL_ENV": "x", "PYTHONPATH": "x"}
    )
    assert set(seen.values()) == {"a", "b", "c", "d"}
