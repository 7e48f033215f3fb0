"""The answers in lines of 80 columns, ASCII; and the same as JSON values."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from gatekit.planning.answers import NEITHER, Answer, Apart, Need
from gatekit.planning.bars import PlannedBar, Unplanned
from gatekit.planning.picture import LEGEND, picture
from gatekit.stats.paired import METHOD as PAIRED
from gatekit.stats.power import MOST_ROWS
from gatekit.stats.proportion import POINT

COLUMNS = 80
SCHEMA = "gatekit-plan/1"
_DIGITS = 4  # of a true value


def plan_lines(
    answers: Sequence[Answer], unplanned: Sequence[Unplanned], source: str, power: float
) -> list[str]:
    """The whole plan for people: what is meant, each bar, and the bars left out."""
    lines = _wrapped(source)
    if answers:
        lines += _wrapped(
            f"A verdict is called sure where it comes with a chance of {power:g} or more."
        )
        lines.append(LEGEND)
    for each in answers:
        lines += ["", *_bar_lines(each)]
    if unplanned:
        lines += ["", "Not planned here:"]
        for reason in dict.fromkeys(each.reason for each in unplanned):
            keys = ", ".join(each.key for each in unplanned if each.reason == reason)
            lines += _wrapped(f"{keys}: {reason}", 2)
    return lines


def plan_record(
    answers: Sequence[Answer], unplanned: Sequence[Unplanned], source: str, power: float
) -> dict[str, Any]:
    """The whole plan for machines: true values and chances as fractions of 1, not rounded."""
    return {
        "schema": SCHEMA,
        "source": source,
        "power": power,
        "bars": [each.as_dict() for each in answers],
        "not_planned": [{"key": each.key, "reason": each.reason} for each in unplanned],
    }


def _bar_lines(answer: Answer) -> list[str]:
    bar = answer.bar
    asked = -bar.bar if bar.kind == "loss" else bar.bar
    lines = [f"{bar.key}: {bar.measure} >= {asked:g}"]
    method = PAIRED if bar.kind == "loss" else "exact binomial"
    level = f"level {bar.level:g}, one-sided; {method}"
    if bar.uses:
        level = f"level {bar.whole_level:g} spent over {bar.uses} uses: {bar.level:.5f}"
        level += f", one-sided; {method}"
    if bar.level == POINT:
        level = "level 0.5: a point decision, its uncertainty is ignored"
    if answer.discordant is not None:
        level += f"; {answer.discordant:g} of the rows discordant in the picture"
    lines += _wrapped(level, 2)
    if answer.at is not None:
        lines += _wrapped(_apart_words(answer.at, bar), 2)
    lines += ["", *_table(answer), "", *picture(answer)]
    return lines


def _apart_words(at: Apart, bar: PlannedBar) -> str:
    counts_pass = counts_fail = ""
    if at.fewest is not None and at.most is not None:
        counts_pass, counts_fail = f" ({at.fewest:,} or more seen)", f" ({at.most:,} or fewer seen)"
    passes = "PASSED for no model"
    if at.passes_from is not None:
        passes = f"PASSED from a true value of {_up(at.passes_from)} on{counts_pass}"
    fails = "FAILED for no model"
    if at.fails_up_to is not None:
        fails = f"FAILED up to {_down(at.fails_up_to)}{counts_fail}"
    rest = "come out either way" if bar.level == POINT else "stay undecided"
    return f"{at.n:,} {bar.unit}: sure to be {passes}; {fails}; else it may {rest}"


def _table(answer: Answer) -> list[str]:
    n, unit = answer.bar.n, answer.bar.unit
    heads = ["true value", "verdict", f"{unit} needed"]
    if answer.bar.kind == "loss":
        heads.insert(0, "discordant")
    if n is not None:
        heads.append(f"with {n:,}")
    rows = [heads, *(_cells(need, n) for need in answer.needs)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    return ["  " + "   ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows]


def _cells(need: Need, n: int | None) -> list[str]:
    rows = f"over {MOST_ROWS:,}" if need.rows is None else f"{need.rows:,}"
    rows = "no number" if need.verdict == NEITHER else rows
    cells = [f"{need.true:.6g}", need.verdict, rows]
    if need.discordant is not None:
        cells.insert(0, f"{need.discordant:g}")
    if n is not None:
        missing = None if need.rows is None else need.rows - n
        cells.append(
            "too few" if missing is None else "enough" if missing <= 0 else f"{missing:,} missing"
        )
    return cells


def _up(value: float) -> str:
    """Rounded so that it is still sure to pass."""
    return f"{math.ceil(value * 10**_DIGITS - 1e-9) / 10**_DIGITS:.{_DIGITS}f}"


def _down(value: float) -> str:
    """Rounded so that it is still sure to fail."""
    return f"{math.floor(value * 10**_DIGITS + 1e-9) / 10**_DIGITS:.{_DIGITS}f}"


def _wrapped(text: str, indent: int = 0) -> list[str]:
    return textwrap.wrap(
        text,
        COLUMNS,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2 if indent else 0),
        break_on_hyphens=False,
    )
