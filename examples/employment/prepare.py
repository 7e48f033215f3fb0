"""How the sample in data/ was made from the full extract; see data/README.md for its provenance.

python examples/employment/prepare.py acs_employment_ma.parquet
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent / "data"
ROWS = {"train": (2015, 30_000), "holdout": (2016, 40_000), "current": (2018, 40_000)}
SEXES = {1: "male", 2: "female"}
RACES = {1: "white", 2: "black", 6: "asian"}  # the census' other six codes: 6 % of people, "other"


def main() -> None:
    """Draw the sample, name the groups, write Parquet."""
    people = pd.read_parquet(sys.argv[1])
    for name, (year, rows) in ROWS.items():
        part = people[people["year"] == year].sample(rows, random_state=0).sort_index()
        part = part.drop(columns="year").assign(
            sex=part["SEX"].map(SEXES), race=part["RAC1P"].map(RACES).fillna("other")
        )
        part = part.reset_index(drop=True)
        part.to_parquet(FOLDER / f"{name}.parquet", compression="zstd", compression_level=19)


if __name__ == "__main__":
    main()
