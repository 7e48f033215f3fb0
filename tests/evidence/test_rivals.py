"""The AUC, its error and the paired difference from merged bins, against all rows ranked."""

import numpy as np
import pytest
from scipy.special import expit

from gatekit.evidence.ranks import Edges, Ranks
from gatekit.evidence.rivals import Placements, Rivals
from gatekit.stats import auc

ROWS, BLOCK = 100_000, 1 << 16


def drawn(share):
    random = np.random.default_rng(5)
    positive = random.random(ROWS) < share
    return positive, 1.5 * positive + random.normal(size=ROWS), random.normal(size=(2, ROWS))


def counted(new, old, positive):
    """Both models' ranks and what they have together, block by block, the pilot every 5th row."""
    pilot = slice(0, None, 5)
    edges = [Edges.of(each[pilot]) for each in (new, old)]
    places = [edge.place(each[pilot]) for edge, each in zip(edges, (new, old), strict=True)]
    given = [
        Placements.of(
            np.bincount(2 * p + positive[pilot], minlength=2 * e.lower.size).reshape(-1, 2)
        )
        for e, p in zip(edges, places, strict=True)
    ]
    ranks, rivals = [None, None], None
    for start in range(0, ROWS, BLOCK):
        part = slice(start, start + BLOCK)
        held = [e.place(s[part]) for e, s in zip(edges, (new, old), strict=True)]
        for which, scores in enumerate((new, old)):
            made = Ranks.of(edges[which], held[which], scores[part], positive[part])
            ranks[which] = made if ranks[which] is None else ranks[which].merge(made)
        made = Rivals.of((given[0], held[0]), (given[1], held[1]), positive[part])
        rivals = made if rivals is None else rivals.merge(made)
    return edges, ranks, rivals.differences(*zip(given, [r.counts for r in ranks], strict=True))


PAIRS = {
    "two models": lambda lean, noise: (expit(lean + 0.3 * noise[0]), expit(lean + noise[1])),
    "nearly the same": lambda lean, noise: (expit(lean), expit(lean + 1e-4 * noise[0])),
    "the same": lambda lean, noise: (expit(lean), expit(lean)),
    "no probabilities": lambda lean, noise: (9 * lean - 4, lean**3 + noise[0]),
    "crowded at 0": lambda lean, noise: (expit(lean - 12), expit(lean - 9 + noise[1])),
    "two digits": lambda lean, noise: (np.round(expit(lean), 2), expit(lean)),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_binned_areas_are_those_of_all_rows_to_a_millionth(kind):
    positive, lean, noise = drawn(0.3)
    new, old = PAIRS[kind](lean, noise)
    edges, ranks, moments = counted(new, old, positive)
    m, n = int(positive.sum()), int((~positive).sum())
    exact = [auc._placements(scores, positive) for scores in (new, old)]
    apart = [auc._moments(a - b) for a, b in zip(*exact, strict=True)]
    found, wanted = (auc.difference_of(each, m, n, 0.95) for each in (moments, apart))
    assert found == pytest.approx(wanted, abs=1e-6)
    table = ranks[0].table(edges[0])
    area, (a, b) = auc.area(table.positive, table.other), exact[0]
    assert area.value == pytest.approx(a.mean(), abs=1e-6)
    assert area.variance == pytest.approx(a.var(ddof=1) / m + b.var(ddof=1) / n, rel=1e-4)


def test_the_mean_score_of_a_bin_is_kept():
    random = np.random.default_rng(2)
    scores = random.random(5000) ** 3
    edges = Edges.of(scores[:500])
    ranks = Ranks.of(edges, edges.place(scores), scores, scores > 0.5)
    table = ranks.table(edges)
    rows = table.positive + table.other
    assert table.scores @ rows / rows.sum() == pytest.approx(scores.mean(), abs=1e-9)
    assert (table.scores[:-1] < table.scores[1:]).all()
