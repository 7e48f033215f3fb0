"""Which bars can be planned, out of a policy or out of options, as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from gatekit.policy import Policy
from gatekit.stats.spending import Spending, parts, spent

DISCORDANT = (0.02, 0.05, 0.1, 0.2)
_ABOVE = (0.1, 0.2, 0.3, 0.5)  # of the way from the bar to 1
_BELOW = (0.1, 0.2)  # as far below the bar
SHARES = (  # key, what is measured
    ("accuracy.floor", "accuracy"),
    ("robustness.noise_floor", "accuracy under noise"),
    ("robustness.stability", "stability"),
)
QUANTILES = (  # key, the quantile, what is timed
    ("latency.p50_ms", 0.5, "calls"),
    ("latency.p99_ms", 0.99, "calls"),
    ("staging.p99_ms", 0.99, "requests"),
    ("load.p99_ms", 0.99, "requests"),
)
LOSS = "accuracy.tolerated_loss"
ERRORS = "load.error_rate"
OF_LABELS = ("accuracy.floor", "robustness.noise_floor", LOSS)  # what they ask uses labels up


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for; None where it leaves the choice to the policy."""

    power: float = 0.8
    level: float | None = None
    rows: int | None = None
    expect: tuple[float, ...] = ()
    discordant: tuple[float, ...] = ()
    uses: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBar:
    """A bar, and for which true values rows are counted.

    A `share` clears a floor `bar`; a quantile is one too: the share of calls within its time. A
    `loss` is the paired comparison with the champion, where `bar` is the tolerated loss and
    `discordant` the shares of rows that one of the two models alone gets right. `n` is how many
    rows, calls or requests there are; None if nobody knows yet. Where the test set has declared
    `uses`, `level` is what is left of `whole_level` at its first use.
    """

    key: str
    measure: str
    bar: float
    level: float
    kind: Literal["share", "loss"] = "share"
    unit: str = "rows"
    n: int | None = None
    expect: tuple[float, ...] = ()
    discordant: tuple[float, ...] = ()
    uses: int = 0
    whole_level: float = 0.0


@dataclass(frozen=True, slots=True)
class Unplanned:
    """A bar for which no rows are counted, with the reason."""

    key: str
    reason: str


def bars_of_options(
    floor: float | None, tolerated_loss: float | None, wishes: Wishes
) -> list[PlannedBar]:
    """The bars that `--floor` and `--tolerated-loss` name, without any policy."""
    level = 0.95 if wishes.level is None else wishes.level
    uses = wishes.uses or 0
    bars: list[PlannedBar] = []
    if floor is not None:
        bars.append(_share("--floor", "true share", floor, level, wishes, wishes.rows))
    if tolerated_loss is not None:
        bars.append(_loss("--tolerated-loss", tolerated_loss, level, wishes, wishes.rows))
    return [_spent(bar, uses, "fixed") for bar in bars]


def bars_of_policy(
    policy: Policy, wishes: Wishes, rows: int | None
) -> tuple[list[PlannedBar], list[Unplanned]]:
    """Every bar of the policy: those that can be planned on that many rows, and the others."""
    uses = wishes.uses or policy.holdout.uses or 0
    found = {
        key: _spent(bar, uses, policy.holdout.spending) if key in OF_LABELS else bar
        for key, bar in _planned(policy, wishes, rows)
    }
    senseless = {key: bar for key, bar in found.items() if not _sensible(bar)}
    others = [
        Unplanned(key, _why_not(policy, gate))
        for gate in policy.declared
        for key in policy.bars(gate)
        if key not in found
    ]
    beyond = [Unplanned(key, f"no share lies beyond {bar.bar:g}") for key, bar in senseless.items()]
    return [bar for key, bar in found.items() if key not in senseless], [*beyond, *others]


def _planned(policy: Policy, wishes: Wishes, rows: int | None) -> Iterator[tuple[str, PlannedBar]]:
    for key, measure in SHARES:
        bar, level = _bar(policy, key), _level(policy, key, wishes)
        if bar is not None:
            yield key, _share(key, measure, bar, level, wishes, rows)
    loss = _bar(policy, LOSS)
    if loss is not None and policy.task != "regression":  # there it is of a mean, not of a share
        yield LOSS, _loss(LOSS, loss, _level(policy, LOSS, wishes), wishes, rows)
    for key, q, unit in QUANTILES:
        bar = _bar(policy, key)
        if bar is None:
            continue
        yield (
            key,
            PlannedBar(
                key=key,
                measure=f"share of {unit} within {bar:g} ms",
                bar=q,
                level=_level(policy, key, wishes),
                unit=unit,
                n=_calls(policy, key.partition(".")[0]),
                expect=_around(q),
            ),
        )
    errors = _bar(policy, ERRORS)
    if errors is not None:
        answered = round(1.0 - errors, 9)
        yield (
            ERRORS,
            PlannedBar(
                key=ERRORS,
                measure="share of requests answered",
                bar=answered,
                level=_level(policy, ERRORS, wishes),
                unit="requests",
                n=_calls(policy, "load"),
                expect=_around(answered),
            ),
        )


def _spent(bar: PlannedBar, uses: int, spending: Spending) -> PlannedBar:
    """The bar at the level that is left of it where the test set has so many uses."""
    if not uses:
        return bar
    left = spent(bar.level, parts(uses, spending))
    return replace(bar, level=left, uses=uses, whole_level=bar.level)


def _why_not(policy: Policy, gate: str) -> str:
    if gate in policy.own:
        return "a measure of the team's own, of unknown spread"
    if gate == "fairness":
        return "joint over groups, so it hangs on the rows of each"
    if gate == "accuracy":
        return "its spread is not known before a model is measured"
    return "a count of what is seen; it has no bounds"


def _share(
    key: str, measure: str, floor: float, level: float, wishes: Wishes, rows: int | None
) -> PlannedBar:
    expect = wishes.expect or _around(floor)
    return PlannedBar(key=key, measure=measure, bar=floor, level=level, n=rows, expect=expect)


def _loss(key: str, loss: float, level: float, wishes: Wishes, rows: int | None) -> PlannedBar:
    """Rows are counted for a candidate that loses nothing, and for one that loses too much."""
    expect = (0.0, -2 * loss) if loss > 0 else (round(0.01 - loss, 6), round(-loss - 0.01, 6))
    return PlannedBar(
        key=key,
        measure="true gain on the champion",
        bar=loss,
        level=level,
        kind="loss",
        n=rows,
        expect=expect,
        discordant=wishes.discordant or DISCORDANT,
    )


def _bar(policy: Policy, key: str) -> float | None:
    return policy.bars(key.partition(".")[0]).get(key)


def _level(policy: Policy, key: str, wishes: Wishes) -> float:
    return policy.table(key.partition(".")[0]).level if wishes.level is None else wishes.level


def _calls(policy: Policy, gate: str) -> int:
    if gate == "load":
        return max(1, int(policy.gates.load.requests_per_second * policy.gates.load.seconds))
    return policy.gates.staging.calls if gate == "staging" else policy.gates.latency.calls


def _sensible(bar: PlannedBar) -> bool:
    return abs(bar.bar) < 1 if bar.kind == "loss" else 0 < bar.bar < 1


def _around(floor: float) -> tuple[float, ...]:
    """True values above and below a floor at which rows are counted, six digits each."""
    above = tuple(floor + part * (1 - floor) for part in _ABOVE)
    below = tuple(floor - part * (1 - floor) for part in _BELOW)
    return tuple(round(value, 6) for value in (*above, *below) if value > 0)
