"""May the candidate's files be loaded at all?"""

import pytest

from gatekit.gates import safety

pytestmark = pytest.mark.gate("safety")


def test_nothing_speaks_against_loading_the_files(gate, candidate):
    found = gate.measure(safety.findings, candidate)
    assert found <= gate.policy.safety.findings
