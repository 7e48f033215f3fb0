"""The band of true values that stay undecided, by rows, in ASCII for 80 columns."""

from __future__ import annotations

import math

from gatekit.planning.answers import Answer, Apart

WIDTH = 61  # of the plot, in characters; odd, so that the bar can stand in the middle
LABEL = 14
LEGEND = "Pictures, rows rising down: F FAILED, P PASSED, . neither is sure, | the bar"
_NICE = (1.0, 2.0, 5.0, 10.0)


def picture(answer: Answer) -> list[str]:
    """The lines of the picture, its axis above."""
    bar = -answer.bar.bar if answer.bar.kind == "loss" else answer.bar.bar
    low, high = _range(answer, bar)
    axis = f"{low:g}".ljust(WIDTH - len(f"{high:g}")) + f"{high:g}"
    at = _column(bar, low, high)
    words = f"{bar:g}"
    start = at - len(words) // 2
    if axis[max(0, start - 1) : start + len(words) + 1].isspace() and start > 0:
        axis = axis[:start] + words + axis[start + len(words) :]
    lines = [answer.bar.unit.rjust(LABEL - 2) + "  " + axis]
    for each in answer.band:
        mark = "> " if each.n == answer.bar.n else "  "
        drawn = _row(each, bar, (low, high), answer.discordant)
        lines.append(((mark + f"{each.n:,}").rjust(LABEL - 2) + "  " + drawn).rstrip())
    return lines


def _row(each: Apart, bar: float, ends: tuple[float, float], reach: float | None) -> str:
    low, high = ends
    fails = -math.inf if each.fails_up_to is None else each.fails_up_to
    passes = math.inf if each.passes_from is None else each.passes_from
    at, step = _column(bar, low, high), (high - low) / (WIDTH - 1)
    values = [low + column * step for column in range(WIDTH)]
    # half a hair: an end of the axis belongs to a verdict that begins just there
    drawn = ["F" if v <= fails else "P" if v >= passes - step * 1e-6 else "." for v in values]
    if reach is not None:  # a gain beyond the discordant rows cannot be
        drawn = [
            d if abs(v) <= reach + step / 2 else " " for d, v in zip(drawn, values, strict=True)
        ]
    drawn[at] = "|"
    return "".join(drawn)


def _column(value: float, low: float, high: float) -> int:
    return round((value - low) / (high - low) * (WIDTH - 1))


def _range(answer: Answer, bar: float) -> tuple[float, float]:
    """From the bar as far as the first line's band reaches, rounded up; nothing beyond its end."""
    ends = (end for each in answer.band for end in (each.fails_up_to, each.passes_from))
    first = [abs(end - bar) for end in ends if end is not None][:2]
    reach = max(first, default=0.1) or 0.1
    unit = 10.0 ** math.floor(math.log10(reach))
    reach = next(nice * unit for nice in _NICE if nice * unit >= reach * (1 - 1e-9))
    least, most = (0.0, 1.0)
    if answer.discordant is not None:
        least, most = -answer.discordant, answer.discordant
    low, high = max(least, bar - reach), min(most, bar + reach)
    return round(min(low, bar), 9), round(max(high, bar), 9)
