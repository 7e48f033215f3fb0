"""Every effect of drift from counts of a stream against that of the same rows held."""

import functools

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from gatekit.data import Streams, open_sample
from gatekit.evidence.spread import ByValue
from gatekit.evidence.whole import Evidence
from gatekit.gates.drift_held import HeldColumns
from gatekit.gates.drift_streamed import CountedColumns
from gatekit.parts import blocks
from gatekit.policy import SampleSpec
from gatekit.streaming.compared import Compared
from gatekit.streaming.question import CANDIDATE, Said
from gatekit.streaming.sampling import fill_sample
from gatekit.streaming.spread import SampleQuestion, seek

MEASURES = ["psi", "ks", "wasserstein", "cramers_v"]
N = 20_000
ROUNDED = 1e-7  # sums are of numbers rounded to 2^-24 of a bin


def columns(n, seed, moved):
    """Columns of all kinds; `moved` says how far."""
    random = np.random.default_rng(seed)
    normal = random.normal(moved, 1, n)
    gaps = np.where(random.random(n) < 0.1 + moved / 5, None, random.exponential(1 + moved, n))
    days = np.datetime64("2026-01-01") + random.integers(0, 300 + int(100 * moved), n)
    return {
        "normal": normal,
        "single": random.normal(moved, 2, n).astype(np.float32),
        "tailed": random.standard_t(4, n) + moved,
        "few": random.poisson(3 + 2 * moved, n),
        "whole": random.integers(0, 100_000 + int(30_000 * moved), n),
        "spike": np.where(random.random(n) < 0.4, 0.0, random.lognormal(moved, 1, n)),
        "equal": np.full(n, 2.5),
        "lifted": np.full(n, 1.0 + moved),
        "gaps": pa.array(gaps.tolist(), pa.float64()),
        "word": random.choice(["a", "b", "c"], n, p=[0.5 - moved / 4, 0.3, 0.2 + moved / 4]),
        "code": pa.array(random.choice(["x", "y", None], n)).dictionary_encode(),
        "flag": random.random(n) < 0.4 + moved / 5,
        "day": pa.array(days.astype("datetime64[us]")),
        "label": random.integers(0, 3, n),
    }


KINDS = {"word": "string", "code": "string", "flag": "boolean", "day": "datetime"}


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Opens a table as a sample, held or so that it streams in small parts."""

    def make(table, what, *, streams):
        path = tmp_path / f"{what}.parquet"
        if not path.exists():
            parquet.write_table(pa.table(table), path, row_group_size=N // 5)
        spec = SampleSpec(path=path.name)
        return open_sample(spec, what, "label", tmp_path, Streams(10) if streams else None)

    return make


def counted(question, sample, says=None):
    """What a pass in this process would find."""
    parts = []
    for part in sample.parts:
        for table in blocks(part, question.held):
            said = {} if says is None else {CANDIDATE: Said(says(table))}
            parts.append(fill_sample(question, table, said))
    return functools.reduce(Evidence.merge, reversed(parts))


@pytest.fixture
def two_roads(opened, fake):
    """Both samples held, and counted as they stream."""

    def make(moved):
        tables = columns(N, 1, 0.0), columns(N - 7000, 2, moved)
        names = {k: KINDS.get(k, "double") for k in tables[0] if k != "label"}
        candidate = fake(lambda t: t["few"].to_numpy() % 3, names)
        whats = "reference", "current"
        held, streamed = (
            [opened(t, what, streams=s) for t, what in zip(tables, whats, strict=True)]
            for s in (False, True)
        )
        sought = seek(
            streamed,
            candidate.candidate.signature,
            by_number=False,
            said=ByValue(as_numbers=True),
        )
        question = SampleQuestion(sought)
        found = [counted(question, each, candidate.predict).spread for each in streamed]
        compared = Compared(sought, *found)
        return HeldColumns(candidate, *held), CountedColumns(compared, streamed[0].pilot.rows)

    return make


@pytest.mark.parametrize("moved", [0.0, 0.05, 0.6])
@pytest.mark.parametrize(("pilot_rows", "near"), [(1 << 16, 1e-3), (15_000, 1e-3)])
def test_both_roads_lead_to_the_same_effects(two_roads, monkeypatch, moved, pilot_rows, near):
    monkeypatch.setattr("gatekit.data.PILOT_ROWS", pilot_rows)
    held, streamed = two_roads(moved)
    measured = set()
    for name in MEASURES:
        exact, found = (
            {each.column: each.effect for each in getattr(side, name)()}
            for side in (held, streamed)
        )
        assert exact.keys() == found.keys()
        for column, effect in exact.items():
            assert found[column].value == pytest.approx(effect.value, abs=near), (name, column)
            for level in (0.5, 0.9, 0.95):
                low, high = found[column].bounds(level)
                assert [low, high] == pytest.approx(effect.bounds(level), abs=near), (name, column)
                assert low <= effect.bounds(level)[0] + ROUNDED, (name, column)
                assert high >= effect.bounds(level)[1] - ROUNDED, (name, column)
            for bar in (0.01, 0.1):
                assert found[column].p_above(bar) >= effect.p_above(bar) - ROUNDED
            measured.add((name, column))
    assert len(measured) == 36
    for name in ("labels", "predictions"):
        effects = [getattr(side, name)() for side in (held, streamed)]
        assert effects[0].bounds(0.9) == effects[1].bounds(0.9)


@pytest.mark.parametrize("misplaced", ["sorted", "far"])
def test_a_pilot_that_misleads_makes_bounds_wide_and_never_wrong(two_roads, monkeypatch, misplaced):
    """Bins are of a pilot that has seen little of the rows, or nothing."""
    monkeypatch.setattr("gatekit.data.PILOT_ROWS", 100)
    made = columns

    def other(n, seed, moved):
        table = made(n, seed, moved)
        at = np.argsort(table["normal"]) if misplaced == "sorted" else np.arange(n)
        lift = 0.0 if misplaced == "sorted" else 1e9 * (np.arange(n) % (N // 5) > 6)
        return table | {"normal": table["normal"][at] + lift, "tailed": np.sort(table["tailed"])}

    monkeypatch.setattr(f"{__name__}.columns", other)
    held, streamed = two_roads(0.6)
    for name in MEASURES:
        exact, found = (
            {each.column: each.effect for each in getattr(side, name)()}
            for side in (held, streamed)
        )
        for column, effect in exact.items():
            low, high = found[column].bounds(0.95)
            assert low <= effect.bounds(0.95)[0] + ROUNDED, (name, column)
            assert high >= effect.bounds(0.95)[1] - ROUNDED, (name, column)
