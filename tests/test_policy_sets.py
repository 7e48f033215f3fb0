"""--gate-set: what it may do to a policy, and what of it is loosening."""

from dataclasses import fields

import pytest

from gatekit.errors import PolicyError
from gatekit.policy_file import apply_sets
from gatekit.policy_gates import BUILT_IN

from .policies import FULL, NUMBERS, SMALL, TABLES, pair_for, reader, small_for


@pytest.fixture
def read(tmp_path):
    return reader(tmp_path)


@pytest.mark.parametrize(("gate", "key", "tighter"), NUMBERS)
def test_every_number_is_loosened_and_tightened(read, gate, key, tighter):
    low, high = pair_for(key)
    for was, now in ((low, high), (high, low)):
        policy = read(f"{small_for(key)}[gates.{gate}]\n{key} = {was}\n")
        changed, (change,) = apply_sets(policy, (f"{gate}.{key}={now}",), "ada")
        assert str(getattr(changed.table(gate), key)).lower() == str(now)
        another = key == "quantile"  # another question: never free, whichever way
        assert change.loosened is (another or (now > was) != (tighter == "up"))
        assert change.gate == gate
        verb = "loosened" if change.loosened else "tightened"
        assert change.words() == f"{gate}.{key} {verb} from {change.was} to {change.now} by ada"
        assert changed.digest != policy.digest
        same, none = apply_sets(policy, (f"{gate}.{key}={was}",), "ada")
        assert (same, none) == (policy, ())


# another value of these asks something else
QUESTIONS = ("batch_rows", "unseen", "null", "shape", "processes")


def test_every_field_of_a_gate_table_knows_which_side_is_tighter():
    for gate, table in TABLES.items():
        for f in fields(table):
            if f.metadata.get("tables"):
                continue  # set in the file only, so never loosened on the command line
            aside = f.name in ("mode", *QUESTIONS)
            assert aside or f.metadata.get("tighter") in ("up", "down"), (gate, f.name)


@pytest.mark.parametrize(
    ("sets", "loosened"),
    [
        ("schema.unseen=answer", False),  # "any" was the weakest thing to ask
        ("schema.null=refuse", False),
        ("latency.batch_rows=10", True),
    ],
)
def test_another_question_is_loosening_unless_none_was_asked(read, sets, loosened):
    _, (change,) = apply_sets(read(SMALL), (sets,), "ada")
    assert change.loosened is loosened
    asked = read(SMALL + '[gates.schema]\nunseen = "answer"\n')
    _, (back,) = apply_sets(asked, ("schema.unseen=any",), "ada")
    assert back.loosened


@pytest.mark.parametrize("gate", BUILT_IN)
def test_observing_is_loosening(read, gate):
    policy, (loosened,) = apply_sets(read(SMALL), (f"{gate}.mode=observe",), "ada")
    assert policy.table(gate).mode == "observe"
    assert loosened.loosened
    _, (back,) = apply_sets(policy, (f"{gate}.mode=enforce",), "ada")
    assert not back.loosened


@pytest.mark.parametrize(
    ("gate", "key"), [(g, k) for g, k, _ in NUMBERS if getattr(TABLES[g], k) is None]
)
def test_a_bar_where_there_was_none_is_tighter_and_the_gate_is_declared(read, gate, key):
    policy, (change,) = apply_sets(read(small_for(key)), (f"{gate}.{key}=0.6",), "ada")
    assert not change.loosened
    assert gate in policy.declared
    assert policy.bars(gate)[f"{gate}.{key}"] == 0.6


def test_sets_add_up_in_order(read):
    sets = ("accuracy.floor=0.8", "accuracy.floor=0.85", "latency.p99_ms=20")
    policy, changes = apply_sets(read(FULL), sets, "ada")
    assert (policy.gates.accuracy.floor, policy.gates.latency.p99_ms) == (0.85, 20.0)
    assert [change.loosened for change in changes] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("accuracy.floor", "not of the form gate.key=value"),
        ("floor=0.8", "not of the form gate.key=value"),
        ("acuracy.floor=0.8", r"no such gate.*Did you mean 'accuracy'"),
        ("accuracy.flor=0.8", r"no such key.*Did you mean 'floor'"),
        ("accuracy.floor=high", "accuracy.floor is 'high', a finite number"),
        ("accuracy.floor=nan", "accuracy.floor is nan, a finite number"),
        ("accuracy.floor=", "accuracy.floor is '', a finite number"),
        ("accuracy.level=1.0", "accuracy.level is 1.0"),
        ("accuracy.level=0.2", "accuracy.level is 0.2"),
        ("accuracy.mode=off", "accuracy.mode is 'off', allowed"),
        ("latency.calls=0", "whole number above 0"),
        ("profit.least=0.1", "set in the policy only"),
    ],
)
def test_a_wrong_set_is_refused_in_words(read, text, words):
    with pytest.raises(PolicyError, match=words) as caught:
        apply_sets(read(FULL), (text,), "ada")
    assert caught.value.message.startswith("--gate-set ")
