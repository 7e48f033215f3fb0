"""Train an employment model on census data and register it.

    python examples/employment/train.py --model logistic

The last line printed is one JSON object with run_id, accuracy and model_version. Trained on 2015,
held out on 2016. `sex` and `race` are names for the gates and no features; the census' own codes
for both, SEX and RAC1P, are features, as in the data set's usual benchmark.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from registering import TrainingData, main

FOLDER = Path(__file__).parent / "data"
AGE = "AGEP"
CODES = (
    *("SCHL", "MAR", "RELP", "DIS", "ESP", "CIT", "MIG", "MIL"),
    *("ANC", "NATIVITY", "DEAR", "DEYE", "DREM", "SEX", "RAC1P"),
)
DATA = TrainingData(
    experiment="employment",
    train=FOLDER / "train.parquet",
    holdout=FOLDER / "holdout.parquet",
    target="employed",
    features=(AGE, *CODES),
)


def logistic() -> Any:
    """One weight for each of twenty age bands, and for each code of each question."""
    columns = make_column_transformer(
        (KBinsDiscretizer(20, quantile_method="averaged_inverted_cdf"), [AGE]),
        (OneHotEncoder(handle_unknown="ignore"), list(CODES)),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000))


def boosting() -> Any:
    """Boosted trees; a code that was not seen in training is a missing one."""
    columns = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), list(CODES)),
        remainder="passthrough",
    )
    return make_pipeline(columns, HistGradientBoostingClassifier(random_state=42))


if __name__ == "__main__":
    main({"logistic": logistic(), "boosting": boosting()}, "employment-model", DATA)
