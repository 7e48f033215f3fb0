"""What is known about a planned bar: rows for true values, and what a given n tells apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gatekit.planning.bars import PlannedBar
from gatekit.stats import paired_power, power

MOST_LINES = 9  # of the picture
NEITHER = "neither"  # a model that stands on its bar is not told from either side
_PICTURED_FROM = 100
_PICTURED_DISCORDANT = 0.1


@dataclass(frozen=True, slots=True)
class Apart:
    """What n rows tell apart: between the two true values no verdict comes with the power.

    None where no true value gets that verdict. `fewest` of n are needed for a pass, with `most` or
    fewer it fails; both None for a loss, where more than one count decides.
    """

    n: int
    fails_up_to: float | None
    passes_from: float | None
    fewest: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """How many rows give a model of that true value its verdict; None: no number, or too many."""

    true: float
    verdict: str
    rows: int | None
    discordant: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything about one bar."""

    bar: PlannedBar
    power: float
    needs: tuple[Need, ...]
    band: tuple[Apart, ...]  # by rising n; one of them is the n that there is
    discordant: float | None  # the share that `band` holds for

    @property
    def at(self) -> Apart | None:
        """What the rows that there are tell apart."""
        return next((each for each in self.band if each.n == self.bar.n), None)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            **asdict(self.bar),
            "needs": [asdict(need) for need in self.needs],
            "tells_apart": asdict(self.at) if self.at else None,
            "band": [asdict(each) for each in self.band],
            "band_discordant": self.discordant,
        }


def answer(bar: PlannedBar, chance: float) -> Answer:
    """The answer for one bar, each verdict with that chance."""
    discordant = None
    if bar.kind == "loss":
        shares = bar.discordant
        discordant = _PICTURED_DISCORDANT if _PICTURED_DISCORDANT in shares else shares[0]
        needs = [_loss_need(bar, chance, true, s) for s in shares for true in bar.expect]
    else:
        needs = [_share_need(bar, chance, true) for true in bar.expect]
    band = tuple(_apart(bar, chance, n, discordant) for n in pictured_rows(bar.n))
    return Answer(bar, chance, tuple(need for need in needs if need), band, discordant)


def pictured_rows(n: int | None) -> tuple[int, ...]:
    """1, 2, 5, 10 ... from a hundred on, or where n lies, and n itself."""
    series = [digit * 10**exponent for exponent in range(1, 12) for digit in (1, 2, 5)]
    start = series.index(_PICTURED_FROM)
    if n is not None:
        while start > 0 and series[start] > n:
            start -= 1
        while series[start + MOST_LINES - 1] < n:
            start += 1
    shown = set(series[start : start + MOST_LINES])
    return tuple(sorted(shown | {n} if n is not None else shown))


def _share_need(bar: PlannedBar, chance: float, true: float) -> Need:
    if true == bar.bar:
        return Need(true, NEITHER, None)
    if true > bar.bar:
        rows = power.rows_to_pass(bar.bar, true, bar.level, chance)
        return Need(true, "PASSED", rows)
    return Need(true, "FAILED", power.rows_to_fail(bar.bar, true, bar.level, chance))


def _loss_need(bar: PlannedBar, chance: float, true: float, discordant: float) -> Need | None:
    """None if the true gain is more than all the discordant rows."""
    if abs(true) > discordant:
        return None
    if true > -bar.bar:
        rows = paired_power.rows_not_worse(bar.bar, discordant, true, bar.level, chance)
        return Need(true, "PASSED", rows, discordant)
    # a model that fails is one whose champion, in its place, would pass with room to spare
    rows = paired_power.rows_not_worse(-bar.bar, discordant, -true, bar.level, chance)
    return Need(true, "FAILED", rows, discordant)


def _apart(bar: PlannedBar, chance: float, n: int, discordant: float | None) -> Apart:
    if discordant is None:
        return Apart(
            n,
            power.greatest_failing(n, bar.bar, bar.level, chance),
            power.least_passing(n, bar.bar, bar.level, chance),
            int(power.fewest_passing(n, bar.bar, bar.level)),
            int(power.most_failing(n, bar.bar, bar.level)),
        )
    fails = paired_power.greatest_gain_failing(n, bar.bar, discordant, bar.level, chance)
    return Apart(
        n, fails, paired_power.least_gain_passing(n, bar.bar, discordant, bar.level, chance)
    )
