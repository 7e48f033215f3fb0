"""Train a churn model and register it: the user's part, done as an example.

    python examples/churn/train.py --model boosting

The last line printed is one JSON object with run_id, accuracy and model_version. The accuracy is
what a training job says of itself; the gate computes its own from the holdout and never reads it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[1])]
from data import TARGET, make_data
from registering import TrainingData, main

MODELS: dict[str, Any] = {
    "logistic": LogisticRegression(),
    "boosting": HistGradientBoostingClassifier(random_state=42),
    "small": HistGradientBoostingClassifier(max_iter=10, random_state=42),
}

if __name__ == "__main__":
    main(MODELS, "churn-model", TrainingData("churn", *make_data(), TARGET))
