"""How often the candidate is right, by every measure on labels, and how much more often than the
champion. For a binary task precision, recall, specificity and F1 are about the policy's positive
label; for a multiclass task they are means over the labels, as scikit-learn's average="macro".
"""

from __future__ import annotations

from dataclasses import replace

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.gate import Ask, measure, streams
from gatekit.gates import applies, labels, numbers, segments, slices, tallies
from gatekit.gates.applies import named
from gatekit.ledger import no_champion
from gatekit.stats import confusion, paired, proportion
from gatekit.subject import NoChampion, Subject


@measure
@streams
@applies.of("labels", "accuracy")
def overall(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Share of rows labelled right, with exact (Clopper-Pearson) bounds."""
    return share("accuracy", *tallies.hits(candidate, holdout), ask)


@measure
@streams
def paired_gain(
    candidate: Subject, champion: Subject | NoChampion, holdout: Holdout, *, ask: Ask
) -> Estimate:
    """How much better than the champion on the same rows: more accurate, or for a
    regression by how much smaller the mean absolute error is, in the unit of the target.
    """
    if candidate.task == "regression":
        return numbers.mae_fall(candidate, champion, holdout, ask)
    if isinstance(champion, NoChampion):
        return no_champion("accuracy gain", ask.level, champion.reason)
    won, lost, n = tallies.beside(candidate, champion, holdout)
    value, low, high = paired.accuracy_difference(won, lost, n, ask.level)
    detail = (
        f"against {champion.title}: right where it is wrong on {won} rows, "
        f"wrong where it is right on {lost}",
    )
    method = named(paired.METHOD, ask.level)
    return Estimate("accuracy gain", value, low, high, ask.level, n, method, detail=detail)


@measure
@streams
def superiority(
    candidate: Subject, champion: Subject | NoChampion, holdout: Holdout, *, ask: Ask
) -> Estimate:
    """The same gain, asked for as such: it is written down only where the policy sets `gain`."""
    if getattr(ask.settings, "gain", None) is None:
        return applies.not_asked("gain on champion", "the policy asks for no gain", ask)
    return replace(paired_gain(candidate, champion, holdout, ask=ask), name="gain on champion")


@measure
@streams
@applies.of("labels", "balanced accuracy")
def balanced_accuracy(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Mean over the labels of the share of their rows labelled right."""
    return labels.of_table(
        "balanced accuracy", confusion.balanced_accuracy, candidate, holdout, ask
    )


@measure
@streams
@applies.of("labels", "precision")
def precision(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Share of the rows said to be positive that are."""
    if candidate.task != "binary":
        return labels.of_table(
            "macro precision", confusion.macro_precision, candidate, holdout, ask
        )
    return labels.of_positive("precision", lambda c: (c.hit, c.said), candidate, holdout, ask)


@measure
@streams
@applies.of("labels", "recall")
def recall(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Share of the positive rows that were said to be."""
    if candidate.task != "binary":
        return labels.of_table("macro recall", confusion.macro_recall, candidate, holdout, ask)
    return labels.of_positive("recall", lambda c: (c.hit, c.true), candidate, holdout, ask)


@measure
@streams
@applies.of("labels", "specificity")
def specificity(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Share of the negative rows that were said to be; macro: of each label against the rest."""
    if candidate.task != "binary":
        return labels.of_table(
            "macro specificity", confusion.macro_specificity, candidate, holdout, ask
        )
    return labels.of_positive(
        "specificity", lambda c: (c.other_hit, c.other_true), candidate, holdout, ask
    )


@measure
@streams
@applies.of("labels", "F1")
def f1(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Harmonic mean of precision and recall."""
    if candidate.task != "binary":
        return labels.of_table("macro F1", confusion.macro_f1, candidate, holdout, ask)
    return labels.of_positive(
        "F1", lambda c: (c.hit, c.true + c.said - c.hit), candidate, holdout, ask, f1=True
    )


@measure
@streams
@applies.of("labels", "MCC")
def mcc(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Matthews' correlation coefficient of true and predicted labels, -1 to 1."""
    return labels.of_table("MCC", confusion.matthews, candidate, holdout, ask)


@measure
@streams
@applies.of("labels", "worst slice")
def worst_slice(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Accuracy in the worst of the slices that the policy declares; see `slices.worst`."""
    if not holdout.spec.slices:
        return slices.none_declared(ask.level)
    return slices.worst(tallies.slice_counts(candidate, holdout), holdout.rows, ask)


@measure
def weakest_segment(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Accuracy in the weakest segment that a search finds; see `segments.judged`."""
    if not segments.wanted(ask):
        return slices.not_looked_for(segments.SEGMENTS.name, ask.level)
    return segments.judged(candidate, holdout, ask)


def share(name: str, k: int, n: int, ask: Ask, detail: tuple[str, ...] = ()) -> Estimate:
    """A proportion as an estimate."""
    low, high = proportion.bounds(k, n, ask.level)
    method = named("Clopper-Pearson", ask.level)
    return Estimate(name, k / n, float(low), float(high), ask.level, n, method, detail=detail)
