"""How often a test set was used to judge models of one name, counted in the registry.

A use is one combination of candidate, champion, data and policy. It is written down before its
result is seen, in the append-only journal `<model>.uses`, whose numbers the registry hands out
atomically; the same combination again is a retry and costs nothing. Models count by their content
(`gatekit.content`): registered twice, they are one. Where the policy declares `uses`, each bound
that rests on labels gets its part of the error, and no more than declared are judged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from math import floor
from typing import Any, Self

from gatekit.errors import GatekitError
from gatekit.policy import DataSpec
from gatekit.registry import Registry
from gatekit.stats.spending import Spending, Told, parts, spent

WARN_FROM = 0.8  # of the declared uses
MOST_PARTS = 1_000_000_000  # beyond, no bound is taken so far out in its tail
NO_REGISTRY = "a model folder is gated without a registry, which would count them"


@dataclass(frozen=True, slots=True)
class Use:
    """What makes a use the same one: digests, `champion` empty where there is none."""

    candidate: str
    champion: str
    data: str
    policy: str


@dataclass(frozen=True, slots=True)
class Uses:
    """Where the test set stands at this use of it.

    `number` counts from 1, in the order in which the uses of this data were written down; 0 if
    this one could not be counted, and `why` says why. `declared` is 0 where the policy declares no
    number. The error of each bound on labels is divided into `parts`.
    """

    number: int = 0
    declared: int = 0
    left: int = 0
    spending: Spending = "fixed"
    parts: int = 1
    why: str = ""
    entry: int = 0  # its number in the journal

    @property
    def closed(self) -> str:
        """Why nothing more may be read off the labels; empty if it may."""
        if not self.declared:
            return ""
        if not self.number:
            return f"this use of the test set could not be counted: {self.why}"
        if self.left < 0:
            return f"fresh labels needed: all {self.declared} uses of this test set are spent"
        if self.parts > MOST_PARTS:
            return (
                "fresh labels needed: choosing by so many verdicts on this test set has spent its "
                "error"
            )
        return ""

    @property
    def is_sealed(self) -> bool:
        """Whether only PASSED or not is told of the labels, and no number."""
        return bool(self.declared) and self.spending == "adaptive"

    @property
    def words(self) -> str:
        """One sentence for header and report."""
        if self.closed:
            return self.closed
        if not self.number:
            return f"uses of the test set are not counted: {self.why}"
        if not self.declared:
            return f"use {self.number} of the test set; the policy declares no number"
        said = f"use {self.number} of the test set, {self.left} of {self.declared} left"
        if self.declared - self.left >= WARN_FROM * self.declared:
            said += ": label fresh rows soon"
        return said

    def level(self, level: float) -> float:
        """What is left of a bound's level."""
        return spent(level, self.parts) if self.declared and not self.closed else level

    def how(self, level: float) -> str:
        """How the level was spent, for the name of a method."""
        return f"level {level:g} spent over {self.declared} uses ({self.spending})"

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "words": self.words}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `as_dict` wrote."""
        return cls(**{key: value for key, value in values.items() if key != "words"})


def journal_of(model: str) -> str:
    """The name of the journal of uses."""
    return f"{model}.uses"


def count_use(
    registry: Registry | None, model: str, use: Use, spec: DataSpec, verdicts: int
) -> Uses:
    """Write this use down unless it is there, and say where the test set stands.

    `verdicts` is how many verdicts on labels the policy asks for. A registry that fails is no
    error here: the answer says that nothing was counted, and why.
    """
    declared, journal = spec.uses or 0, journal_of(model)
    if registry is None:
        return Uses(declared=declared, spending=spec.spending, why=NO_REGISTRY)
    entry = {"event": "use", **asdict(use), "verdicts": str(verdicts), "declared": str(declared)}
    try:
        found = read_uses(registry.entries(journal), use.data)
        if not any(each.use == use for each in found):
            registry.append(journal, entry)
            found = read_uses(registry.entries(journal), use.data)  # others may have come between
    except GatekitError as error:
        return Uses(declared=declared, spending=spec.spending, why=str(error))
    return _standing(found, use, spec)


def tell(registry: Registry, model: str, uses: Uses, told: Mapping[str, bool]) -> None:
    """Write down what was told of this use: of each verdict on labels whether it was PASSED.

    What is not written down counts as passed, the dearest case.

    Raises:
        RegistryError, RegistryUnavailable: it could not be written.
    """
    passed = [key for key, is_passed in told.items() if is_passed]
    entry = {"event": "told", "use": str(uses.entry), "told": json.dumps(list(told))}
    registry.append(journal_of(model), {**entry, "passed": json.dumps(passed)})


@dataclass(frozen=True, slots=True)
class Counted:
    """A use as the journal has it, and what was told of it: (entry, verdicts, those passed)."""

    entry: int
    use: Use
    verdicts: int
    declared: int
    tellings: tuple[tuple[int, frozenset[str], frozenset[str]], ...] = ()

    def told_before(self, entry: int) -> Told:
        """Verdicts and passes as they were known at that entry; the dearest if nothing was."""
        known = [each for each in self.tellings if each[0] < entry]
        if not known:
            return self.verdicts, self.verdicts
        return len(frozenset().union(*(k[1] for k in known))), len(
            frozenset().union(*(k[2] for k in known))
        )


def read_uses(entries: Sequence[tuple[int, Mapping[str, str]]], data: str) -> list[Counted]:
    """The distinct uses of that data, in the order in which they were written down.

    An entry that says nothing readable is passed over.
    """
    found: dict[Use, Counted] = {}
    by_entry: dict[int, Use] = {}
    for number, entry in entries:
        try:
            if entry.get("event") == "use":
                use = Use(*(entry[key] for key in ("candidate", "champion", "data", "policy")))
                by_entry[number] = use
                made = Counted(number, use, int(entry["verdicts"]), int(entry["declared"]))
                found.setdefault(use, made)
            elif entry.get("event") == "told":
                use = by_entry[int(entry["use"])]
                told = (
                    number,
                    frozenset(json.loads(entry["told"])),
                    frozenset(json.loads(entry["passed"])),
                )
                found[use] = replace(found[use], tellings=(*found[use].tellings, told))
        except (KeyError, ValueError, TypeError):
            continue
    return [each for each in found.values() if each.use.data == data]


def _standing(found: Sequence[Counted], use: Use, spec: DataSpec) -> Uses:
    at = next(i for i, each in enumerate(found) if each.use == use)
    mine, earlier = found[at], found[:at]
    declared = spec.uses or 0
    if not declared:
        return Uses(number=at + 1, spending=spec.spending, entry=mine.entry)
    # each use has taken its part of the error, by the number that was declared at the time
    taken = sum((Fraction(1, each.declared or declared) for each in earlier), Fraction(1, declared))
    told = [each.told_before(mine.entry) for each in earlier]
    return Uses(
        number=at + 1,
        declared=declared,
        left=floor((1 - taken) * declared),
        spending=spec.spending,
        parts=parts(declared, spec.spending, told),
        entry=mine.entry,
    )
