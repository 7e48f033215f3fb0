"""Gaps between groups, in fairlearn's vocabulary, with bounds that hold jointly.

Every sensitive column and every crossing is looked at; the worst one is the estimate. Its bounds
hold for all differences between two groups of all of them at once (`gatekit.stats.gaps`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gatekit.data import Holdout
from gatekit.errors import DataError
from gatekit.estimate import Estimate
from gatekit.evidence.groupings import JointCounts
from gatekit.gate import Ask, measure, streams
from gatekit.gates import groups, pictures
from gatekit.gates.applies import named
from gatekit.gates.groups import Family, Rate
from gatekit.picture import Curve
from gatekit.stats import gaps, proportion
from gatekit.stats.gaps import Scale
from gatekit.subject import Subject

SELECTION = Rate("selection rate", groups.selected)
TRUE_POSITIVE = Rate("true positive rate", groups.true_positive)
FALSE_POSITIVE = Rate("false positive rate", groups.false_positive)
PRECISION = Rate("precision", groups.precise)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the groups: the policy's key, the rates compared, and how."""

    key: str
    rates: tuple[Rate, ...]
    scale: Scale = "difference"


@measure
@streams
def demographic_parity_difference(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Largest gap in selection rate between two groups."""
    asked = Question("demographic_parity_difference", (SELECTION,))
    return _compare("demographic parity", asked, candidate, holdout, ask)


@measure
@streams
def selection_rate_ratio(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Smallest ratio of selection rates between two groups (four-fifths rule: at least 0.8).

    fairlearn's demographic_parity_ratio.
    """
    asked = Question("selection_rate_ratio", (SELECTION,), "ratio")
    return _compare("selection rate ratio", asked, candidate, holdout, ask)


@measure
@streams
def equal_opportunity_difference(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Largest gap in true positive rate between two groups."""
    asked = Question("equal_opportunity_difference", (TRUE_POSITIVE,))
    return _compare("equal opportunity", asked, candidate, holdout, ask)


@measure
@streams
def equal_opportunity_ratio(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Smallest ratio of true positive rates between two groups."""
    asked = Question("equal_opportunity_ratio", (TRUE_POSITIVE,), "ratio")
    return _compare("equal opportunity ratio", asked, candidate, holdout, ask)


@measure
@streams
def equalized_odds_difference(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Largest gap in true or false positive rate between two groups."""
    asked = Question("equalized_odds_difference", (TRUE_POSITIVE, FALSE_POSITIVE))
    return _compare("equalized odds", asked, candidate, holdout, ask)


@measure
@streams
def equalized_odds_ratio(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Smallest ratio of true or of false positive rates between two groups."""
    asked = Question("equalized_odds_ratio", (TRUE_POSITIVE, FALSE_POSITIVE), "ratio")
    return _compare("equalized odds ratio", asked, candidate, holdout, ask)


@measure
@streams
def predictive_parity_difference(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Largest gap between two groups in precision: the share of those selected rightly."""
    asked = Question("predictive_parity_difference", (PRECISION,))
    return _compare("predictive parity", asked, candidate, holdout, ask)


@measure
@streams
def predictive_parity_ratio(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Smallest ratio between two groups of the share of those selected rightly."""
    asked = Question("predictive_parity_ratio", (PRECISION,), "ratio")
    return _compare("predictive parity ratio", asked, candidate, holdout, ask)


def _compare(
    name: str, asked: Question, candidate: Subject, holdout: Holdout, ask: Ask
) -> Estimate:
    check_groups(candidate, holdout)
    counts = candidate.joint_counts(holdout)
    looked_at = groups.families(counts, asked.rates)
    found = gaps.gaps(
        [each.rates for each in looked_at],
        groups.resampler(counts, asked.rates, candidate.kept),
        ask.level,
        asked.scale,
    )
    worst = groups.worst(found)
    low, high = found.bounds()
    bar: float | None = getattr(ask.settings, asked.key, None)
    detail = (f"worst: {looked_at[worst].name}", *groups.lines(counts, looked_at, found, bar))
    method = named(found.method, ask.level)
    return Estimate(
        name,
        found.values[worst],
        low,
        high,
        ask.level,
        counts.rows(),
        method,
        detail=detail,
        pictures=_rates(looked_at[worst], counts, ask.level),
    )


def _rates(worst: Family, counts: JointCounts, level: float) -> tuple[Curve, ...]:
    """The rate of each group in the grouping with the largest gap, lowest first."""
    share = worst.rates.k / np.maximum(worst.rates.n, 1)
    order = np.argsort(share, kind="stable")
    k, n = worst.rates.k[order], worst.rates.n[order]
    named_groups = counts.groupings[worst.grouping].groups
    labels = [f"{named_groups[g]}, n {worst.rates.n[g]:,}" for g in order]
    drawn = pictures.rows(worst.name, labels, share[order], proportion.bounds(k, n, level))
    return tuple(replace(each, on_scale=False) for each in drawn)


def check_groups(candidate: Subject, holdout: Holdout) -> None:
    """Raise DataError where there are no groups to compare, or nobody has the positive label."""
    if not holdout.spec.sensitive:
        raise DataError(
            "the fairness gate has no groups: data.holdout.sensitive is empty",
            "Name the sensitive columns, or take fairness out of the policy",
        )
    counts = candidate.joint_counts(holdout)
    tables = counts.groupings[0].tables(counts.counts)
    if not tables[:, 1].any():  # else nobody is ever selected, and no gap is ever found
        raise DataError(
            f"{holdout.path.name}: no row of {holdout.spec.target!r} is the positive label "
            f"{candidate.positive!r}",
            "Say in the policy which label is meant: positive = ...",
        )
