"""The churn data: 2,000 made-up customers, one fifth held out.

The two files are under DVC: the `.dvc` files beside them pin their bytes, and a remote in this
folder holds them, so `dvc pull` here brings them. Without the `.dvc` files they are made anew.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

FOLDER = Path(__file__).parent / "data"
TARGET = "churn"


def make_data(folder: Path = FOLDER) -> tuple[Path, Path]:
    """Pull or write train.parquet and holdout.parquet unless they are there; return their paths."""
    train, holdout = folder / "train.parquet", folder / "holdout.parquet"
    if train.exists() and holdout.exists():
        return train, holdout
    if train.with_name("train.parquet.dvc").exists():
        pull = [sys.executable, "-m", "dvc", "pull", "--quiet"]
        subprocess.run(pull, cwd=folder, check=True)
        return train, holdout
    folder.mkdir(parents=True, exist_ok=True)
    x, y = make_classification(
        n_samples=2000,
        n_features=10,
        n_informative=8,
        n_redundant=0,
        class_sep=1.6,
        flip_y=0.01,
        random_state=42,
    )
    frame = pd.DataFrame(x, columns=[f"f{i}" for i in range(10)]).assign(**{TARGET: y})
    for path, part in zip(
        (train, holdout), train_test_split(frame, test_size=0.2, random_state=42), strict=True
    ):
        written = path.with_suffix(".tmp")
        part.reset_index(drop=True).to_parquet(written)
        written.rename(path)
    return train, holdout


if __name__ == "__main__":
    print("\n".join(str(path) for path in make_data()))
