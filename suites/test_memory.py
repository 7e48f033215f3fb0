"""Does the candidate fit into the memory it will be given, and stay there?"""

import pytest

from gatekit.gates import memory

pytestmark = pytest.mark.gate("memory")


def test_the_loaded_model_fits(gate, candidate, holdout):
    measured = gate.measure(memory.after_load, candidate, holdout)
    assert measured <= gate.policy.memory.load_mb


def test_predicting_fits(gate, candidate, holdout):
    measured = gate.measure(memory.peak, candidate, holdout)
    assert measured <= gate.policy.memory.peak_mb


def test_it_does_not_grow_call_by_call(gate, candidate, holdout):
    measured = gate.measure(memory.growth, candidate, holdout)
    assert measured <= gate.policy.memory.growth_kb
