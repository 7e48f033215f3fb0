"""Each defect of the zoo is seen by its suite and by no other; the sound twins pass them all."""

import pytest

from gatekit.testing import zoo

from .inside import judged, start_inside, use_clock

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own
HERE = [pair for pair in zoo.PAIRS if not pair.needs_process]
APART = [pair for pair in zoo.PAIRS if pair.needs_process]


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    return lambda pair: zoo.lay_out(pair, folder / pair.name)


def holds(pair, folder):
    bad, good = judged(pair, folder, "defective"), judged(pair, folder, "sound")
    assert good.passed, good.words
    assert not bad.passed
    assert pair.suite in bad.failed_suites
    assert bad.failed_suites <= {pair.suite, *pair.also}, bad.words
    assert bad.missed & set(pair.keys), (bad.missed, bad.words)


@pytest.mark.parametrize("pair", HERE, ids=lambda pair: pair.name)
def test_the_defect_is_seen_and_its_twin_passes(pair, laid_out, monkeypatch):
    start_inside(monkeypatch)
    use_clock(monkeypatch)
    holds(pair, laid_out(pair))


@pytest.mark.slow
@pytest.mark.parametrize("pair", APART, ids=lambda pair: pair.name)
def test_what_a_process_does_is_seen_and_its_twin_passes(pair, laid_out, monkeypatch):
    from gatekit.testing.zoo.process import VARIABLE

    monkeypatch.setenv(VARIABLE, "1")
    holds(pair, laid_out(pair))


def test_there_are_pairs_enough_and_each_has_a_name_of_its_own():
    names = [pair.name for pair in zoo.PAIRS]
    assert len(names) >= 30
    assert len(set(names)) == len(names)


def test_no_champion_is_the_twin_itself_which_would_prove_nothing():
    compared = [pair for pair in zoo.PAIRS if pair.rival is not None]
    assert compared
    assert not [pair.name for pair in compared if dict(pair.rival) == dict(pair.twin)]
