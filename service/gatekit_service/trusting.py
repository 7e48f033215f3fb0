"""Whom the service believes: the keys of the policy it was given, if it was given one."""

from __future__ import annotations

from dataclasses import dataclass

from gatekit.policy import Policy
from gatekit.policy_file import read_policy
from gatekit.promotion.promote import check_policy
from gatekit.promotion.trusted import Judge
from gatekit_service.settings import Settings


@dataclass(frozen=True, slots=True)
class Trusted:
    """A policy, its keys, and the pointer that is followed as the policy spells it."""

    policy: Policy
    judge: Judge
    target: str

    @classmethod
    def of(cls, settings: Settings) -> Trusted | None:
        """Whom these settings name; None if they name no policy.

        Raises:
            UsageProblem: the policy cannot be read, or is for another model.
            KeyProblem: one of its keys cannot be read.
        """
        if settings.gates is None:
            return None
        policy = read_policy(settings.gates)
        check_policy(policy, settings.model)
        wanted = settings.stage.lower()  # a stage is spelled with a capital, a target mostly not
        target = next((t for t in policy.promotion if t.lower() == wanted), settings.stage)
        return cls(policy, Judge.of(policy), target)
