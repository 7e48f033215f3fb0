"""Whether the bars of a policy fit its task: a bar nobody can compare is an error when read."""

from __future__ import annotations

from dataclasses import fields

from gatekit.errors import PolicyError
from gatekit.policy import Policy
from gatekit.policy_gates import BUILT_IN, Of


def check_measures(policy: Policy, where: str) -> None:
    """Raise PolicyError for the first bar or setting that the task or `score` leaves no sense."""
    if policy.score and policy.task == "regression":
        raise PolicyError(
            f"{where}: score is {policy.score!r}, and the task is regression",
            "Scores are of classes: leave it out, or correct the task",
        )
    if policy.score and policy.task == "multiclass" and policy.score != "predict_proba":
        raise PolicyError(
            f"{where}: score names the column {policy.score!r}, and the task is multiclass",
            'One column cannot hold the scores of several classes: score = "predict_proba"',
        )
    if not 0 < policy.threshold < 1:
        raise PolicyError(
            f"{where}: threshold is {policy.threshold:g}",
            "A score from which on a row is said to be positive lies between 0 and 1",
        )
    if not 0 < policy.gates.accuracy.quantile < 1:
        raise PolicyError(
            f"{where}: gates.accuracy.quantile is {policy.gates.accuracy.quantile:g}",
            "A quantile lies between 0 and 1, both excluded",
        )
    _check_expectations(policy, where)
    _check_load(policy, where)
    for gate in BUILT_IN:
        table = policy.table(gate)
        for each in fields(table):
            of: Of = each.metadata.get("of", "anything")
            if getattr(table, each.name) is not None and (why := _misfit(policy, of)):
                raise PolicyError(f"{where}: gates.{gate}.{each.name} is a bar on {of}; {why}")


def _check_expectations(policy: Policy, where: str) -> None:
    for name, expected in policy.gates.robustness.expect.items():
        key = f"{where}: gates.robustness.expect.{name}"
        if expected.of == "scores" and not policy.score:
            raise PolicyError(
                f"{key} is of scores, and the policy does not say where the model gives them",
                'Such as score = "predict_proba"; or expect it of labels',
            )
        if expected.within < 0:
            raise PolicyError(f"{key}: within is {expected.within:g}", "Say how far, 0 or more")
        if expected.within and expected.of == "labels" and policy.task != "regression":
            raise PolicyError(
                f"{key}: within is for scores, or for the numbers of a regression",
                'A label changes or does not: say of = "scores", or leave it out',
            )


def _check_load(policy: Policy, where: str) -> None:
    load = policy.gates.load
    for key in ("users", "processes", "rows_per_request", "seconds", "requests_per_second"):
        least = 1 if isinstance(getattr(load, key), int) else 0.1
        if getattr(load, key) < least:
            raise PolicyError(
                f"{where}: gates.load.{key} is {getattr(load, key):g}",
                f"Give {least:g} or more",
            )


def _misfit(policy: Policy, of: Of) -> str:
    if of == "anything":
        return ""
    if (of == "numbers") != (policy.task == "regression"):
        return f"the task is {policy.task}"
    if of.startswith("scores") and not policy.score:
        return 'say where the model gives them, such as score = "predict_proba"'
    if of == "scores of two classes" and policy.task != "binary":
        return f"the task is {policy.task}"
    return ""
