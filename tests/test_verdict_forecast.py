"""Forecasts at the edges, where a bound lies on the value or the numbers are out of all measure."""

import pytest

from gatekit.estimate import Estimate
from gatekit.verdict import Outcome, decide


@pytest.mark.parametrize(
    ("value", "low", "high", "op", "bar"),
    [(0.0, 0.0, 0.63, ">=", 0.5), (1.0, 0.37, 1.0, "<=", 0.5)],
)
def test_none_right_on_a_few_rows_is_undecided_with_a_forecast(value, low, high, op, bar):
    verdict = decide(Estimate("share", value, low, high, 0.95, 3, "Clopper-Pearson"), op, bar)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.rows_needed == 5  # 3 * (0.63 / 0.5) ** 2 = 4.8


def test_a_spread_out_of_all_measure_has_no_forecast():
    wild = Estimate("own metric", 1e-100, -1e200, 1e200, 0.95, 3, "bootstrap")
    verdict = decide(wild, ">=", 0.0)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.rows_needed is None
