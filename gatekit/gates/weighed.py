"""R2 and the rise of RMSE from the sums of a pass: the moments and the ends of what a row weighs.

Both are judged by a mean of what each row weighs in them, with factors that only all rows give. The
moments are exact. Of the ends it is known what they were with the pilot's factors, and how far the
others may move a row: they are never narrower.
"""

from __future__ import annotations

import math
from fractions import Fraction

from gatekit.evidence.products import Order, Products
from gatekit.stats import regression
from gatekit.stats.mean import Moments
from gatekit.stats.regression import Bounded
from gatekit.streaming.names import LOSSES, R2, ROOTS, SQUARE, TARGET
from gatekit.streaming.told import Told

FIRST, SECOND, NONE = (1, 0), (0, 1), (0, 0)  # orders of a product
SECOND_SQUARED = (0, 2)


def is_flat(told: Told) -> bool:
    """Whether the target is a number, and the same in all rows."""
    return told.question.is_numeric and len(set(told.evidence.ends[TARGET])) == 1


def determination(told: Told, level: float) -> Bounded:
    """R2: with squared errors s and the target beside its mean, t - m, a row weighs s - r (t - m)^2
    over the variance of t, and r is the ratio that makes it 0 on average.
    """
    scales, products = told.question.scales, told.evidence.products[R2]
    square, middle, around = (_mean(products, o) for o in (FIRST, SECOND, SECOND_SQUARED))
    variance = around - middle**2
    if variance <= 0:
        return math.nan, math.nan, math.nan
    ratio = square / variance
    found = products.moments(
        {FIRST: Fraction(1), SECOND_SQUARED: -ratio, SECOND: 2 * ratio * middle,
         NONE: -ratio * middle**2}
    )  # fmt: skip
    r, m = float(ratio), float(middle)
    ends = told.evidence.outermost[R2].ends(scales.ratio - r, 2 * r * m, -r * m**2)
    moments = Moments(products.n, *found, *ends)
    unit = Fraction(scales.error) ** 2 / Fraction(scales.spread) ** 2
    value = float(1 - ratio * unit)
    return regression.determination_of(value, moments.times(float(unit / variance)), level)


def root_rise(told: Told, level: float) -> Bounded:
    """RMSE of the candidate less the champion's: with squared errors s of either, a row weighs
    (s_new - q s_old) / (2 RMSE_new), and q is RMSE_new over RMSE_old.
    """
    scales, products = told.question.scales, told.evidence.products[ROOTS]
    apart = Fraction(scales.apart)
    rise, old = _mean(products, FIRST) * apart, _mean(products, SECOND)
    roots = math.sqrt(told.evidence.sums[SQUARE].moments()[0]), math.sqrt(old)
    if min(roots) <= 0:
        return scales.error * (roots[0] - roots[1]), -math.inf, math.inf
    share = roots[0] / roots[1]
    mean, second, third = products.moments({FIRST: apart, SECOND: 1 - Fraction(share)})
    least, most = told.evidence.outermost[ROOTS].ends(0.0, scales.share - share, 0.0)
    if least == most:  # no row differs
        second = 0.0
    moments = Moments(products.n, 0.0, second, third, least - mean, most - mean)
    value = scales.error * float(rise) / sum(roots)
    largest = told.evidence.ends[LOSSES][1] * scales.error
    return regression.root_rise_of(
        value, moments.times(scales.error / (2 * roots[0])), largest, level
    )


def _mean(products: Products, order: Order) -> Fraction:
    return products.mean({order: Fraction(1)})
