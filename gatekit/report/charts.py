"""The pictures of an estimate as inline SVG: curves, points with bounds, histograms, rows.

Curves lie in a drawing of fixed size that fits a phone; rows take the width there is, with
positions in per cent, so that nothing but the distances scales. All numbers of it are in the JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape

from gatekit.ledger import Check
from gatekit.picture import Curve
from gatekit.verdict import number_words

WIDTH, HEIGHT = 290, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 280, 12, 166
MANY = 10  # times: from there on an axis of times is logarithmic
ROWS = 24  # of a drawing by row; the others are counted

Place = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture with its heading: one piece of SVG, or rows of label, SVG and words."""

    name: str
    svg: str = ""
    rows: tuple[tuple[str, str, str], ...] = ()
    more: int = 0


def draw_pictures(check: Check) -> tuple[Drawing, ...]:
    """Every picture of a check."""
    return tuple(
        _rows(curve, check) if curve.kind == "rows" else Drawing(curve.name, _plot(curve, check))
        for curve in check.estimate.pictures
    )


def _plot(curve: Curve, check: Check) -> str:
    bar = check.bar if curve.on_scale else None
    xs = [*curve.x, *([bar] if bar is not None else [])]
    across = _axis(xs, (LEFT, RIGHT), log=min(xs) > 0 and max(xs) / min(xs) > MANY)
    if curve.kind == "bars":
        ys = [0.0, *curve.y]
    elif curve.diagonal:
        ys = xs = [0.0, 1.0, *curve.y, *curve.x]
        across = _axis(xs, (LEFT, RIGHT))
    else:
        ys = [0.0, *curve.y]
    up = _axis(ys, (BOTTOM, TOP))
    parts = [
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{escape(_said(curve, check))}">',
        *_frame(curve, (xs, ys), (across, up)),
        *_body(curve, across, up),
    ]
    if bar is not None:
        parts += _bar(across(bar), bar, check)
    return "".join([*parts, "</svg>"])


def _axis(values: Iterable[float], ends: tuple[float, float], *, log: bool = False) -> Place:
    known = list(values)
    size = max(abs(v) for v in known) or 1.0
    scaled: Place = math.log if log else (lambda v: v / size)
    start, end = scaled(min(known)), scaled(max(known))
    width = (end - start) or 1.0
    return lambda v: ends[0] + (scaled(v) - start) / width * (ends[1] - ends[0])


def _frame(
    curve: Curve, values: tuple[list[float], list[float]], places: tuple[Place, Place]
) -> Iterable[str]:
    (across, up), (xs, ys) = places, values
    yield f'<path class="rule" d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"/>'
    for value, anchor in ((min(xs), "start"), (max(xs), "end")):
        yield _text(across(value), BOTTOM + 15, anchor, f"{value:.3g}")
    for value in (min(ys), max(ys)):
        yield _text(LEFT - 5, up(value) + 4, "end", f"{value:.3g}")
    yield _text((LEFT + RIGHT) / 2, BOTTOM + 33, "middle", curve.axes[0])
    middle = (TOP + BOTTOM) / 2
    yield (
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(curve.axes[1])}</text>"
    )
    if curve.diagonal:
        yield (
            f'<line class="ideal" x1="{across(min(xs)):.1f}" y1="{up(min(ys)):.1f}" '
            f'x2="{across(max(xs)):.1f}" y2="{up(max(ys)):.1f}"/>'
        )


def _body(curve: Curve, across: Place, up: Place) -> Iterable[str]:
    if curve.kind == "bars":
        for start, end, count in zip(curve.x, curve.x[1:], curve.y, strict=False):
            if count:
                left, top = across(start), up(count)
                yield (
                    f'<rect class="count" x="{left:.1f}" y="{top:.1f}" '
                    f'width="{max(across(end) - left, 0.5):.1f}" height="{BOTTOM - top:.1f}"/>'
                )
        return
    if curve.kind == "points":
        bounds = zip(curve.x, curve.low, curve.high, strict=False)
        for x, low, high in ((x, *_clipped(b, curve)) for x, *b in bounds):
            yield (
                f'<line class="span" x1="{across(x):.1f}" x2="{across(x):.1f}" '
                f'y1="{up(low):.1f}" y2="{up(high):.1f}"/>'
            )
        for x, y in zip(curve.x, curve.y, strict=True):
            yield f'<circle class="dot" cx="{across(x):.1f}" cy="{up(y):.1f}" r="3"/>'
        return
    points = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in zip(curve.x, curve.y, strict=True))
    yield f'<polyline class="curve" points="{points}"/>'


def _clipped(bounds: list[float], curve: Curve) -> list[float]:
    """Bounds inside the drawing."""
    floor, ceiling = min(0.0, *curve.y), max(1.0, *curve.y)
    return [min(max(bound, floor), ceiling) for bound in bounds]


def _bar(at: float, bar: float, check: Check) -> list[str]:
    anchor = "end" if at > (LEFT + RIGHT) / 2 else "start"
    sign = "at most" if check.op == "<=" else "at least"
    words = f"{sign} {number_words(bar, check.estimate.unit)}"
    shift = -5 if anchor == "end" else 5
    return [
        f'<line class="bar" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{BOTTOM}"/>',
        _text(at + shift, TOP + 10, anchor, words),
    ]


def _rows(curve: Curve, check: Check) -> Drawing:
    bar = check.bar if curve.on_scale else None
    every = [*curve.x, *curve.low, *curve.high, *([bar] if bar is not None else [])]
    known = [v for v in every if math.isfinite(v)]
    place = _axis(known, (2.0, 98.0))
    if min(known) == max(known):
        place = _axis([known[0] - 1, known[0] + 1], (2.0, 98.0))
    bounds = list(zip(curve.low, curve.high, strict=True)) or [(v, v) for v in curve.x]
    drawn = []
    for label, value, (low, high) in list(zip(curve.labels, curve.x, bounds, strict=True))[:ROWS]:
        start, end = (place(v) if math.isfinite(v) else e for v, e in ((low, 0.0), (high, 100.0)))
        svg = (
            '<svg class="row" width="100%" height="18" aria-hidden="true">'
            f'<line class="span" x1="{start:.1f}%" x2="{end:.1f}%" y1="9" y2="9"/>'
            f'<circle class="dot" cx="{place(value):.1f}%" cy="9" r="4"/>'
        )
        if bar is not None:
            at = f"{place(bar):.1f}%"
            svg += f'<line class="bar" x1="{at}" x2="{at}" y1="0" y2="18"/>'
        words = f"{value:.3f} [{low:.3f}, {high:.3f}]" if curve.low else f"{value:.3f}"
        drawn.append((label, svg + "</svg>", words))
    return Drawing(curve.name, rows=tuple(drawn), more=len(curve.labels) - len(drawn))


def _said(curve: Curve, check: Check) -> str:
    """The drawing for who hears it."""
    size, (across, up) = len(curve.y), curve.axes
    if curve.kind == "bars":
        most = max(range(size), key=lambda i: curve.y[i])
        return (
            f"Histogram of {curve.name}: {sum(curve.y):g} {up} from {curve.x[0]:.3g} to "
            f"{curve.x[-1]:.3g} {across}, most of them between {curve.x[most]:.3g} and "
            f"{curve.x[most + 1]:.3g}; {check.estimate.name} is "
            f"{number_words(check.estimate.value, check.estimate.unit)}"
        )
    told = "; ".join(
        f"{curve.y[i]:.3g} at {curve.x[i]:.3g}" for i in sorted({0, size // 4, size // 2, size - 1})
    )
    return f"{curve.name}: {up} over {across}: {told}"


def _text(x: float, y: float, anchor: str, words: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
