"""Fitted models as functions of columns, and the space around some of their rows."""

import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.datasets import make_classification

from gatekit.attack.search import Pool
from gatekit.attack.space import Axis, Space

UNITS = np.array([1, 10, 0.1, 100, 1, 1, 5, 1, 2, 1.0])


@dataclass
class Trial:
    model: object
    rows: np.ndarray
    spread: np.ndarray
    seen: np.ndarray
    space: Space
    pool: Pool

    def ask(self, columns):
        return self.model.predict(np.column_stack(columns))

    @property
    def labels(self):
        return self.model.predict(self.rows)


@pytest.fixture
def trial():
    def make(model, seed, rows, rules=None):
        x, y = make_classification(
            1500, 10, n_informative=8, n_redundant=0, flip_y=0.02, random_state=seed
        )
        x = x * UNITS
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(x[:1000], y[:1000])
        seen, attacked = x[:1000], x[1000 : 1000 + rows]
        spread = seen.std(axis=0)
        axes = [
            Axis(
                f"f{j}",
                attacked[:, j],
                spread=spread[j],
                low=seen[:, j].min(),
                high=seen[:, j].max(),
                **(rules or {}).get(j, {}),
            )
            for j in range(10)
        ]
        pool = Pool(seen / spread, model.predict(seen))
        return Trial(model, attacked, spread, seen, Space(tuple(axes)), pool)

    return make
