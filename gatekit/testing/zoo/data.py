"""The rows the zoo's models are judged on: equal arguments give equal bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

Truth = Literal["labels", "odds", "thirds", "amounts"]
# `income` comes first and may be left out: a model that reads by place then reads another column.
COLUMNS = {
    "income": "double?",
    "x0": "double",
    "x1": "double",
    "age": "long",
    "plan": "string",
    "sex": "string",
    "region": "string",
    "origin": "string",
}
PLANS = ("basic", "plus", "pro")
CUTS = (-0.43, 0.43)  # thirds of a normal variable
ROWS = 3000
SEED = 11


def write_rows(path: Path, truth: Truth, seed: int = SEED, *, incomes: float = 1.0) -> Path:
    """Write a Parquet file of `COLUMNS` and `label`; the `origin` of one row in eight is "rare".

    The label is x0 > 0 (`labels`), drawn with probability 1 / (1 + exp(-3 x0)) (`odds`), "low",
    "middle" or "high" by x0 (`thirds`), or 10 x0 with normal error of 1 (`amounts`). Everything but
    x0 is independent of it. Numbers in x1 are whole. Incomes lie between 20 and 100, times
    `incomes`. Another seed gives other rows of the same law.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = ROWS
    random = np.random.default_rng(seed)
    x = random.normal(size=rows)
    table: dict[str, Any] = {
        "income": np.round(incomes * random.uniform(20, 100, rows), 2),
        "x0": x,
        "x1": np.rint(random.normal(0, 1.3, rows)),
        "age": random.integers(18, 80, rows),
        "plan": random.choice(PLANS, rows),
        "sex": random.choice(["f", "m"], rows),
        "region": random.choice(["north", "south"], rows),
        "origin": np.where(random.random(rows) < 1 / 8, "rare", "usual"),
    }
    table["label"] = _label(truth, x, random)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path)
    return path


def repeat_rows(path: Path, of: Path, share: float) -> Path:
    """Put the first rows of another file in place of a share of the rows of `path`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, taken = pq.read_table(path), round(ROWS * share)
    pq.write_table(pa.concat_tables([pq.read_table(of)[:taken], rows[taken:]]), path)
    return path


def _label(truth: Truth, x: np.ndarray[Any, Any], random: np.random.Generator) -> Any:
    if truth == "labels":
        return (x > 0).astype(np.int64)
    if truth == "odds":
        return (random.random(x.size) < 1 / (1 + np.exp(-3 * x))).astype(np.int64)
    if truth == "thirds":
        return np.array(["low", "middle", "high"])[np.digitize(x, CUTS)]
    return 10 * x + random.normal(size=x.size)
