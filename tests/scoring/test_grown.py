"""Trees through treelite's C interface, held to treelite's own Python call."""

import numpy as np
import pytest
import treelite
import treelite.sklearn
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)

from gatekit.scoring.grown import Grown

ROWS, LABELS = make_classification(300, 6, n_informative=4, n_classes=3, random_state=7)
ENSEMBLES = [
    RandomForestClassifier(5, random_state=0),
    GradientBoostingClassifier(n_estimators=5, random_state=0),
    HistGradientBoostingClassifier(max_iter=5, random_state=0),
    HistGradientBoostingRegressor(max_iter=5, random_state=0),
]


@pytest.fixture(params=ENSEMBLES, ids=lambda model: type(model).__name__, scope="module")
def model(request):
    return treelite.sklearn.import_model(request.param.fit(ROWS, LABELS))


@pytest.mark.parametrize("count", [0, 1, 300])
@pytest.mark.parametrize("margin", [False, True])
def test_it_says_what_treelite_says(model, count, margin):
    rows = np.ascontiguousarray(ROWS[:count])
    said = Grown(model.serialize_bytes())(rows, margin=margin)
    asked = treelite.gtil.predict(model, rows, nthread=1, pred_margin=margin)
    np.testing.assert_array_equal(said, asked.reshape(said.shape))


def test_rows_of_other_layouts_are_read_cell_by_cell(model):
    grown = Grown(model.serialize_bytes())
    asked = grown(np.ascontiguousarray(ROWS))
    np.testing.assert_array_equal(grown(np.asfortranarray(ROWS)), asked)
    np.testing.assert_array_equal(grown(np.repeat(ROWS, 2, axis=0)[::2]), asked)


@pytest.mark.parametrize("columns", [5, 7])
def test_another_number_of_columns_is_refused(model, columns):
    with pytest.raises(ValueError, match=f"reads 6 columns, a row has {columns}"):
        Grown(model.serialize_bytes())(np.zeros((1, columns)))


def test_bytes_that_hold_no_ensemble_are_refused():
    with pytest.raises(treelite.TreeliteError):
        Grown(b"no trees at all" * 100)
