"""An interval and its bar on one axis, as inline SVG that keeps its type size at any width.

Positions are per cent of the width, so nothing but the distances scales. The side of the bar that
passes is tinted; the words beside the drawing say the same, so the tint is never the only sign.
"""

from __future__ import annotations

import math
from html import escape

from gatekit.estimate import Estimate
from gatekit.ledger import Check
from gatekit.report.champion import is_against_champion
from gatekit.report.words import EXACT, POINT, bounds_words
from gatekit.verdict import number_words

LEFT, RIGHT = 22.0, 78.0  # where numbers lie; the rest is room for labels and open ends
EDGES = (1.0, 99.0)
LABEL_ROOM = 30.0  # a label nearer to an edge than this is anchored to its mark, not centred


def draw_interval(check: Check, mark: str, champion: float | None = None) -> str:
    """The drawing for a compared check; empty where there is nothing to draw.

    Counts, point decisions, values that are not finite and checks without a bar have none. `mark`
    makes the ids of the title and the description unique on the page. `champion` is where the
    champion stands on the same axis.
    """
    estimate, bar = check.estimate, check.bar
    if bar is None or estimate.level in (EXACT, POINT) or not estimate.is_number:
        return ""
    if champion is not None and not math.isfinite(champion):
        champion = None
    place = _scale(estimate, bar, *(() if champion is None else (champion,)))
    low, high = bounds_words(check)
    start = place(estimate.low) if math.isfinite(estimate.low) else EDGES[0]
    end = place(estimate.high) if math.isfinite(estimate.high) else EDGES[1]
    at = place(bar)
    tint = (at, 100 - at) if check.op == ">=" else (0.0, at)
    parts = [
        f'<svg class="axis" width="100%" height="{58 if champion is None else 74}" role="img" '
        f'aria-labelledby="{mark}t {mark}d">',
        f'<title id="{mark}t">{escape(estimate.name)} against its bar</title>',
        f'<desc id="{mark}d">{escape(_words(check, champion))}</desc>',
        f'<rect class="pass" x="{tint[0]:.2f}%" y="16" width="{tint[1]:.2f}%" height="24"/>',
        _line("rule", 0, 100, 28),
        _line("span", start, end, 28),
        *(_cap(x, y) for x, y in ((start, estimate.low), (end, estimate.high))),
        f'<circle class="value" cx="{place(estimate.value):.2f}%" cy="28" r="5"/>',
        f'<line class="bar" x1="{at:.2f}%" x2="{at:.2f}%" y1="16" y2="40"/>',
        _text(at, 11, _anchor(at), _bar_words(check)),
        _text(start, 54, "end" if start > EDGES[0] else "start", low),
        _text(end, 54, "start" if end < EDGES[1] else "end", high),
        *([] if champion is None else _champion(place(champion), champion, estimate)),
        "</svg>",
    ]
    return "".join(parts)


class _scale:  # noqa: N801 - called as the function it stands for
    """Numbers to per cent of the width; divided first, so that huge floats do not overflow."""

    def __init__(self, estimate: Estimate, *marks: float) -> None:
        shown = (estimate.low, estimate.value, estimate.high, *marks)
        known = [v for v in shown if math.isfinite(v)]
        self._size = max(abs(v) for v in known) or 1.0
        scaled = [v / self._size for v in known]
        self._from, self._width = min(scaled), max(scaled) - min(scaled)

    def __call__(self, value: float) -> float:
        if self._width == 0:
            return 50.0
        return LEFT + (value / self._size - self._from) / self._width * (RIGHT - LEFT)


def _champion(at: float, value: float, estimate: Estimate) -> list[str]:
    """A diamond on the axis; a sign, for its place is in per cent and its size is not."""
    return [
        f'<text class="champion" x="{at:.2f}%" y="33" text-anchor="middle" aria-hidden="true">'
        "&#9670;</text>",
        _text(at, 70, _anchor(at), _champion_words(value, estimate)),
    ]


def _champion_words(value: float, estimate: Estimate) -> str:
    """Where it stands; on the axis of a gain, where a model is as it is."""
    if is_against_champion(estimate.name):
        return "as the champion"
    return f"champion {number_words(value, estimate.unit)}"


def _words(check: Check, champion: float | None) -> str:
    low, high = bounds_words(check)
    side = "at least" if check.op == ">=" else "at most"
    value, bar = (
        number_words(v, check.estimate.unit) for v in (check.estimate.value, check.bar or 0.0)
    )
    said = f"Measured {value}, between {low} and {high}; {side} {bar} is asked."
    if champion is None:
        return said
    at = number_words(champion, check.estimate.unit)
    if is_against_champion(check.estimate.name):
        return f"{said} A model as the champion measures {at}."
    return f"{said} The champion stands at {at}."


def _bar_words(check: Check) -> str:
    text = number_words(check.bar or 0.0, check.estimate.unit)
    if check.op == ">=":
        return f"at least {text} \N{RIGHTWARDS ARROW}"
    return f"\N{LEFTWARDS ARROW} at most {text}"


def _anchor(at: float) -> str:
    if at < LABEL_ROOM:
        return "start"
    return "end" if at > 100 - LABEL_ROOM else "middle"


def _line(kind: str, start: float, end: float, y: int) -> str:
    return f'<line class="{kind}" x1="{start:.2f}%" x2="{end:.2f}%" y1="{y}" y2="{y}"/>'


def _cap(x: float, bound: float) -> str:
    """The end of the interval; an open end runs out of the drawing and has none."""
    if not math.isfinite(bound):
        return ""
    return f'<line class="span" x1="{x:.2f}%" x2="{x:.2f}%" y1="22" y2="34"/>'


def _text(x: float, y: int, anchor: str, words: str) -> str:
    return f'<text x="{x:.2f}%" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
