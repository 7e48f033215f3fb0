"""pytest-xdist: workers join the controller's run; a lost worker voids it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gatekit_pytest.session import GateSession


class Distribution:
    """Registered only where xdist is installed."""

    def __init__(self, session: GateSession) -> None:
        self._session = session

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        from gatekit.policy_gates import BUILT_IN
        from gatekit_pytest.session import TICKET

        # nothing is collected here: what may be asked counts as asked
        plan = self._session.run.plan
        self._session.count_use([g for g in (*BUILT_IN, *plan.policy.own) if plan.wants(g)])
        node.workerinput[TICKET] = self._session.run.ticket()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        if error:
            self._session.run.lose(f"worker {node.gateway.id}")
            self._session.ledger.voids.append(f"worker {node.gateway.id} was lost: {error}")
