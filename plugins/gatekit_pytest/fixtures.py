"""The fixtures a suite reads with: gate, candidate, champion, holdout, and service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gatekit.data import Holdout, NoSample
    from gatekit.gate import Gate
    from gatekit.service_client import LiveService
    from gatekit.subject import NoChampion, Subject
    from gatekit_pytest.session import GateSession

SESSION_KEY = pytest.StashKey["GateSession"]()
GATE_KEY = pytest.StashKey["Gate"]()


def session_of(config: pytest.Config) -> GateSession:
    """The gate session; a test that needs one is skipped where no model was given."""
    session = config.stash.get(SESSION_KEY, None)
    if session is None:
        pytest.skip("a gate needs a model: run with --model-uri URI")
    return session


def gate_name(item: pytest.Item) -> str | None:
    """The name in @pytest.mark.gate("name"), None where there is no such mark.

    Raises:
        pytest.UsageError: the mark has no name, or more than one.
    """
    mark = item.get_closest_marker("gate")
    if mark is None:
        return None
    if len(mark.args) != 1 or mark.kwargs or not isinstance(mark.args[0], str) or not mark.args[0]:
        raise pytest.UsageError(
            f'{item.nodeid}: write @pytest.mark.gate("name"), one name and no more'
        )
    return mark.args[0]


@pytest.fixture
def gate(request: pytest.FixtureRequest) -> Gate:
    """The gate this test belongs to: `gate.measure(...)`, `gate.policy`."""
    session = session_of(request.config)
    name = gate_name(request.node)
    if name is None:
        pytest.fail('a test that uses `gate` needs @pytest.mark.gate("name")', pytrace=False)
    made = session.make_gate(name, request.node.nodeid)
    request.node.stash[GATE_KEY] = made
    return made


@pytest.fixture
def candidate(request: pytest.FixtureRequest) -> Subject:
    """The model under test, in its own process."""
    return session_of(request.config).run.candidate


@pytest.fixture
def champion(request: pytest.FixtureRequest) -> Subject | NoChampion:
    """The model to beat: the holder of the target, unless --champion names one."""
    return session_of(request.config).run.champion


@pytest.fixture
def holdout(request: pytest.FixtureRequest) -> Holdout:
    """The rows with labels that the policy names."""
    return session_of(request.config).run.holdout


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> Holdout | NoSample:
    """The rows the model was trained on, as the policy names them."""
    return session_of(request.config).run.reference


@pytest.fixture
def current(request: pytest.FixtureRequest) -> Holdout:
    """The rows the model meets; the holdout where nothing else is named."""
    return session_of(request.config).run.current


@pytest.fixture
def service(request: pytest.FixtureRequest) -> LiveService:
    """The running service at --service-url."""
    return session_of(request.config).live_service()
