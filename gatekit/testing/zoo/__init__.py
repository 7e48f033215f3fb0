"""A zoo of toy models: each with one planted defect, and each with a sound twin.

from gatekit.testing import zoo

for pair in zoo.PAIRS:
    zoo.lay_out(pair, tmp_path / pair.name)  # gates.toml, holdout.parquet, defective, sound

`pytest --model-uri DEFECTIVE --gates GATES` then fails in `pair.suite`, and passes for SOUND; the
policy is `gates(folder, "defective")`, and `gates(folder, "sound")`.
"""

from gatekit.testing.zoo import accuracy, drift, fairness, process, robustness, schema
from gatekit.testing.zoo.pair import Pair, gates, lay_out

PAIRS: tuple[Pair, ...] = (
    *accuracy.PAIRS,
    *fairness.PAIRS,
    *robustness.PAIRS,
    *schema.PAIRS,
    *process.PAIRS,
    *drift.PAIRS,
)

__all__ = ["PAIRS", "Pair", "gates", "lay_out"]
