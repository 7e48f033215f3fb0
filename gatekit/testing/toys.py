"""Toy models: real MLflow pyfunc folders that load with neither mlflow nor scikit-learn.

folder = write_toy(tmp_path / "model", "threshold", wrong=0.1)
data = toy_holdout(tmp_path / "holdout.parquet", 400, seed=1)
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gatekit.scoring.signature import TYPES
from gatekit.testing.defects import DEFECTS
from gatekit.testing.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Columns = Mapping[str, str] | tuple[str, ...]
OPTIONAL = "?"  # behind a type: the column may be empty or left out
COLUMNS = ("x0", "x1", "x2", "x3")
LOADING = ("takes_arrow", "ballast_mb", "load_ms")
DAY = np.timedelta64(1, "D")
WORDS = ("words", "third", "third_odds")  # rules that answer in words
CITIES = ("Bern", "Genf", "Chur")


def write_toy(folder: Path, rule: str, columns: Columns = COLUMNS, **params: Any) -> Path:
    """Write a model that follows `rule` (one of `RULES`) to `folder` and return the folder.

    `columns` are names (all double) or a mapping of names to MLflow's types, "double?" for one that
    may be empty; the first one is what the rule looks at. `params` go to the rule;
    `where={column: value}` as the rows it picks. Three are about loading: `ballast_mb` is held from
    then on, `load_ms` is how long it takes, `takes_arrow=False` asks for pandas frames.

    Raises:
        ValueError: no such rule or column type.
    """
    import yaml

    types = _types(columns)
    if rule not in (*RULES, *DEFECTS):
        raise ValueError(f"{rule!r} is no rule; known are {', '.join((*RULES, *DEFECTS))}")
    if unknown := sorted({kind.rstrip(OPTIONAL) for kind in types.values()} - set(TYPES)):
        raise ValueError(f"{unknown[0]!r} is no column type; known are {', '.join(TYPES)}")
    inputs = [
        {"type": kind.rstrip(OPTIONAL), "name": name, "required": not kind.endswith(OPTIONAL)}
        for name, kind in types.items()
    ]
    kind = "str" if rule in WORDS else "int64"
    outputs = [{"type": "tensor", "tensor-spec": {"dtype": kind, "shape": [-1]}}]
    described = {
        "flavors": {
            "python_function": {"loader_module": "gatekit.testing.toys", "data": "toy.json"}
        },
        "model_uuid": "0" * 32,
        "signature": {"inputs": json.dumps(inputs), "outputs": json.dumps(outputs), "params": None},
        "utc_time_created": "2026-01-01 00:00:00.000000",
    }
    folder.mkdir(parents=True, exist_ok=True)
    loading = {key: params.pop(key) for key in LOADING if key in params}
    toy = {"rule": rule, "column": next(iter(types)), "params": params, **loading}
    (folder / "toy.json").write_text(json.dumps(toy), encoding="utf-8")
    (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    return folder


def toy_holdout(
    path: Path, rows: int, seed: int, columns: Columns = COLUMNS, groups: Sequence[str] = ()
) -> Path:
    """Write a Parquet file of random `columns`, `label` (int64: first column > 0) and `groups`.

    Each group column holds `a` or `b`, about half of the rows each. Equal arguments give equal
    rows. Returns `path`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(seed)
    types = _types(columns)
    table: dict[str, Any] = {name: _column(random, kind, rows) for name, kind in types.items()}
    first = table[next(iter(types))]
    table["label"] = np.asarray(first > 0, dtype=np.int64)
    for group in groups:
        table[group] = random.choice(["a", "b"], rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path)
    return path


@dataclass(frozen=True, slots=True)
class Toy:
    """A loaded toy. It reads a pandas frame or an Arrow table alike."""

    rule: str
    column: str
    params: dict[str, Any]
    takes_arrow: bool = True
    ballast: bytes = b""

    def predict(self, rows: Any) -> object:
        """What the rule makes of the first column of `rows`, a defect of all of them."""
        if self.rule in DEFECTS:
            return DEFECTS[self.rule](rows, **self.params)
        values = np.asarray(rows[self.column], dtype=np.float64)
        params = dict(self.params)
        if "where" in params:  # the rows in a slice, by what the columns hold
            held = [np.asarray(rows[c]).astype(str) == v for c, v in params["where"].items()]
            params["where"] = np.logical_and.reduce(held)
        return RULES[self.rule](values, **params)


def _load_pyfunc(path: str) -> Toy:
    """Called by MLflow, and by the native engine, with the path of toy.json."""
    with open(path, encoding="utf-8") as stream:  # noqa: PTH123 - MLflow hands over a str
        toy = json.load(stream)
    time.sleep(toy.pop("load_ms", 0) / 1000)
    ballast = b"x" * (toy.pop("ballast_mb", 0) << 20)
    return Toy(**toy, ballast=ballast)


def _types(columns: Columns) -> dict[str, str]:
    if isinstance(columns, Mapping):
        return dict(columns)
    return dict.fromkeys(columns, "double")


def _column(random: np.random.Generator, kind: str, rows: int) -> np.ndarray[Any, Any]:
    kind = kind.rstrip(OPTIONAL)
    if kind == "string":
        return random.choice(CITIES, rows)
    if kind == "boolean":
        return random.random(rows) < 0.5  # noqa: PLR2004 - half of them
    if kind in ("integer", "long"):
        return random.integers(-50, 50, rows, dtype=np.int32 if kind == "integer" else np.int64)
    if kind in ("float", "double"):
        return random.normal(size=rows).astype(np.float32 if kind == "float" else np.float64)
    if kind == "datetime":
        return np.datetime64("2020-01-01", "ns") + random.integers(0, 999, rows) * DAY
    raise ValueError(f"toy data has no column of type {kind!r}")
