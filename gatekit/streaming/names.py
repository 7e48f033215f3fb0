"""What the parts of evidence are called."""

from __future__ import annotations

ALL, GROUPS = "all", "groups"
ABSOLUTE, SQUARE, ERROR, PINBALL, FALL = "absolute", "square", "error", "pinball", "fall"
LOG_LOSS, BRIER, RISE, LOSSES = "log loss", "brier", "rise", "losses"
R2, ROOTS, TARGET = "r2", "roots", "target"
CONFIDENCE, AUC = "confidence", "auc"


def slice_name(place: int) -> str:
    """What the counts of the policy's slice number `place` are called."""
    return f"slice {place}"


def group_name(place: int) -> str:
    """What the scores by group of its sensitive grouping number `place` are called."""
    return f"grouping {place}"


def outside(role: str) -> str:
    """What the number of a model's rows with a score outside 0 to 1 is called."""
    return f"{role}: outside 0 to 1"


def off_sum(role: str) -> str:
    """What the number of a model's rows whose scores do not sum to 1 is called."""
    return f"{role}: no sum of 1"


def no_class(role: str) -> str:
    """What the number of rows whose label a model has no score for is called."""
    return f"{role}: no such class"
