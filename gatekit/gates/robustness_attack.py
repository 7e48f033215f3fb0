"""How little it takes to change the candidate's label: a search, through the whole pipeline.

No attack found is not a proof: a stronger search may find a nearer row. What is found is certain:
an allowed row, asked again. Run only if the policy sets a bar on it. Candidate and champion are
attacked on the same rows, so that their distances pair.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from gatekit.attack.search import Pool, attack
from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.evidence.counts import right
from gatekit.gate import Ask, label_free, measure
from gatekit.gates import pictures
from gatekit.gates.accuracy import share
from gatekit.gates.applies import named
from gatekit.gates.attacked import Ground
from gatekit.gates.certified import Certificate, certified, lines
from gatekit.ledger import no_champion
from gatekit.progress import Progress
from gatekit.stats import quantile
from gatekit.subject import NoChampion, Subject

SEED = 20_240_229  # the same rows and the same search for all measures of a run
START_ROWS = 1000
FARTHEST = 20.0  # spreads: as which a row counts that no search could change
NO_PROOF = "no attack found is not a proof: a stronger search may find a nearer row"


@dataclass(frozen=True, slots=True)
class Attacked:
    """What the attack did to m rows: distances (m,), inf where none was found; right before.

    `exact` is what a linear model's form proves of the same rows, or why it proves nothing.
    """

    distance: NDArray[np.float64]
    right: NDArray[np.bool_]
    calls: int
    queried: int
    exact: Certificate | str


_DONE: WeakKeyDictionary[Subject, dict[tuple[str, int, int], Attacked]] = WeakKeyDictionary()


@measure
def robust_accuracy(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Share of rows labelled right that stay so against the attack within `epsilon` spreads."""
    name = "robust accuracy"
    if not _asked(ask):
        return _not_asked(name, ask)
    done = attacked(candidate, holdout, ask)
    kept = done.right & (done.distance > ask.settings.epsilon)
    broken = int(np.sum(done.right & ~kept))
    within = f"within {ask.settings.epsilon:g} spreads"
    line = f"{broken:,} of {int(done.right.sum()):,} right rows are broken {within}"
    return share(
        name,
        int(kept.sum()),
        kept.size,
        ask,
        (line, *_safe(done, ask.settings.epsilon), *_cost(done)),
    )


@label_free
@measure
def median_distance(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Median over rows of the smallest move found that changes the label, in spreads."""
    name = "median distance"
    if not _asked(ask):
        return _not_asked(name, ask)
    done = attacked(candidate, holdout, ask)
    lost = int(np.sum(~np.isfinite(done.distance)))
    line = f"no move was found for {lost:,} rows; such a row counts as {FARTHEST:g} spreads"
    estimate = _median(name, _counted(done), ask, (line, *_cost(done)))
    return replace(estimate, pictures=pictures.flipped(done.distance, FARTHEST))


@label_free
@measure
def distance_gain(
    candidate: Subject, champion: Subject | NoChampion, holdout: Holdout, *, ask: Ask
) -> Estimate:
    """Median over the same rows of the candidate's distance less the champion's, in spreads."""
    name = "distance gain"
    if isinstance(champion, NoChampion):
        return no_champion(name, ask.level, champion.reason)
    if not _asked(ask):
        return _not_asked(name, ask)
    new, old = attacked(candidate, holdout, ask), attacked(champion, holdout, ask)
    gain = _counted(new) - _counted(old)
    line = f"against {champion.title}: nearer on {int(np.sum(gain < 0)):,} of {gain.size:,} rows"
    return _median(name, gain, ask, (line, *_cost(new)))


def attacked(subject: Subject, holdout: Holdout, ask: Ask) -> Attacked:
    """The attack on a fixed random part of the holdout; made once for a subject.

    Raises:
        ModelMisbehaved: the model does not answer a row that the rules allow.
        DataError: a rule names a column that there is not.
    """
    done = _DONE.setdefault(subject, {})
    key = (holdout.sha256, ask.settings.attack_rows, ask.settings.attack_queries)
    if key not in done:
        done[key] = _attack(subject, holdout, ask.settings)
    return done[key]


def _attack(subject: Subject, holdout: Holdout, settings: Any) -> Attacked:
    signature = subject.candidate.signature
    table = holdout.features(signature)
    random = np.random.default_rng(SEED)
    shuffled = random.permutation(table.num_rows)
    picked, near = np.sort(shuffled[: settings.attack_rows]), shuffled[::-1][:START_ROWS]
    ground = Ground(signature, table, settings.columns, picked, near)
    labels = subject.predictions(holdout)
    queries = settings.attack_queries * picked.size
    found = attack(
        ground.space,
        counted(lambda values: subject.predict(ground.table(values)), queries, subject.progress),
        labels[picked],
        Pool(ground.starts, labels[near]),
        settings.attack_queries,
        SEED,
    )
    correct = right(holdout.y[picked], labels[picked])
    exact = certified(subject, table, labels, ground, picked)
    return Attacked(found.distance, correct, found.calls, found.queried, exact)


def counted(
    ask: Callable[[list[NDArray[Any]]], NDArray[Any]], most: int, progress: Progress
) -> Callable[[list[NDArray[Any]]], NDArray[Any]]:
    """`ask`, which tells how many of at most so many rows it was asked about."""
    done = 0

    def heard(values: list[NDArray[Any]]) -> NDArray[Any]:
        nonlocal done
        progress("attack queries", done, most)
        said = ask(values)
        done += len(said)
        return said

    return heard


def _safe(done: Attacked, epsilon: float) -> tuple[str, ...]:
    """How many rows a certificate keeps right, whatever is tried within `epsilon` spreads."""
    if isinstance(done.exact, str):
        return ()
    safe = int(np.sum(done.right & (done.exact.distance > epsilon)))
    return (
        f"certified: {safe:,} of {int(done.right.sum()):,} right rows cannot be broken so near",
    )


def _asked(ask: Ask) -> bool:
    table = ask.settings
    bars = (table.robust_floor, table.median_distance, table.distance_loss)
    return any(bar is not None for bar in bars)


def _not_asked(name: str, ask: Ask) -> Estimate:
    why = "no attack was run: set robust_floor, median_distance or distance_loss to ask for one"
    return Estimate(name, *(math.nan,) * 3, ask.level, 0, "not measured", detail=(why,))


def _counted(done: Attacked) -> NDArray[np.float64]:
    return np.minimum(done.distance, FARTHEST)


def _median(name: str, values: NDArray[np.float64], ask: Ask, detail: tuple[str, ...]) -> Estimate:
    value, low, high = quantile.bounds(values, 0.5, ask.level)
    method = named("order statistics", ask.level)
    needed = quantile.rows_for_upper_bound(0.5, ask.level)
    least = None if math.isfinite(low) and math.isfinite(high) else needed
    return Estimate(
        name, value, low, high, ask.level, values.size, method, rows_for_bound=least, detail=detail
    )


def _cost(done: Attacked) -> tuple[str, ...]:
    asked = f"{done.queried:,} rows were asked about in {done.calls:,} calls"
    return (
        f"{done.right.size:,} rows attacked, {asked}",
        NO_PROOF,
        *lines(done.distance, done.exact),
    )
