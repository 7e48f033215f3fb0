"""A pair: a toy model with one planted defect, its sound twin, and the policy that tells them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatekit.testing.toys import write_toy
from gatekit.testing.zoo.data import COLUMNS, SEED, Truth, repeat_rows, write_rows

if TYPE_CHECKING:
    from pathlib import Path

# Bars that every sound model of the zoo clears, whichever defect its twin has.
COMMON: dict[str, dict[str, Any]] = {
    "accuracy": {"floor": 0.85, "slice_floor": 0.55},
    "schema": {"examples": 40},
    "robustness": {"noise_floor": 0.75, "stability": 0.75, "unit_slip_floor": 0.4},
    "fairness": {"equal_opportunity_difference": 0.5},
    "parity": {"disagreements": 0},
    "safety": {"findings": 0},
    "environment": {"missing": 0},
}
SENSITIVE = ("sex", ("sex", "region"))
SLICES = ("region", ("region", "plan"))
SAMPLES = ("reference", "current")
TASKS: dict[Truth, str] = {
    "labels": "binary",
    "odds": "binary",
    "thirds": "multiclass",
    "amounts": "regression",
}
Extra = Callable[["Path"], None]  # what else lies in a model's folder


@dataclass(frozen=True, slots=True)
class Pair:
    """What sets a defective model apart from its twin, and who should notice.

    `suite` fails the defective model, by one of `bars` (keys of the policy). `also` are suites that
    see the same defect by its nature. `bars` beyond `COMMON` come from `policy_gates`.
    """

    name: str
    suite: str
    keys: tuple[str, ...]  # the bars that the defective model must miss
    words: str  # what is wrong with it, as a sentence
    rule: str
    defect: Mapping[str, Any]  # the rule's parameters for the defective model
    twin: Mapping[str, Any] = field(default_factory=dict)
    # the champion's, where there is one; never in the twin's words, or it would be the twin itself
    rival: Mapping[str, Any] | None = None
    gates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # bars beyond COMMON
    truth: Truth = "labels"
    score: str = ""
    sensitive: tuple[Any, ...] = SENSITIVE
    also: tuple[str, ...] = ()
    needs_process: bool = False  # it dies, or what matters is what surrounds a process
    alone: bool = False  # no other suite can be asked: the model is never loaded
    files: tuple[Extra | None, Extra | None] = (None, None)  # of the defective one and of the twin
    incomes: float = 1.0  # how much higher they are in the rows it meets
    repeated: float = 0.0  # share of the holdout's rows that the defective one was trained on

    def defective(self, folder: Path) -> Path:
        """Write the defective model to `folder` and return the folder."""
        return self._write(folder, self.defect, self.files[0])

    def sound(self, folder: Path) -> Path:
        """Write its sound twin to `folder` and return the folder."""
        return self._write(folder, self.twin, self.files[1])

    def champion(self, folder: Path) -> Path | None:
        """Write the model that both are compared with, if there is one."""
        return None if self.rival is None else self._write(folder, self.rival, None)

    def _write(self, folder: Path, params: Mapping[str, Any], extra: Extra | None) -> Path:
        write_toy(folder, self.rule, COLUMNS, **params)
        (folder / "requirements.txt").write_text("numpy>=1\n", encoding="utf-8")
        if extra is not None:
            extra(folder)
        return folder

    def holdout(self, path: Path) -> Path:
        """Write the rows they are judged on."""
        return write_rows(path, self.truth)

    def samples(self, folder: Path) -> None:
        """Write what a drift suite compares beside `folder`/holdout.parquet, if one is asked."""
        if not self.asks("drift"):
            return
        write_rows(folder / "reference.parquet", self.truth, SEED + 1)
        write_rows(folder / "current.parquet", self.truth, SEED + 2, incomes=self.incomes)
        if self.repeated:
            write_rows(folder / "reference-sound.parquet", self.truth, SEED + 1)
            repeat_rows(folder / "reference.parquet", folder / "holdout.parquet", self.repeated)

    @property
    def policy(self) -> str:
        """gates.toml, for a holdout called holdout.parquet beside it."""
        lines = ['model = "zoo"', f'task = "{TASKS[self.truth]}"']
        lines += [f"score = {json.dumps(self.score)}"] if self.score else []
        lines += ["", "[data.holdout]", 'path = "holdout.parquet"', 'target = "label"']
        if self.asks("fairness"):
            lines.append(f"sensitive = {json.dumps(self.sensitive)}")
        if TASKS[self.truth] != "regression":
            lines.append(f"slices = {json.dumps(SLICES)}")
        for sample in SAMPLES if self.asks("drift") else ():
            lines += _table(f"data.{sample}", {"path": f"{sample}.parquet"})
        for gate, bars in self.bars().items():
            lines += _table(f"gates.{gate}", bars)
        required = json.dumps(list(self.bars()))
        return "\n".join([*lines, "", "[promotion.staging]", f"requires = {required}", ""])

    def asks(self, gate: str) -> bool:
        """Whether the policy asks for that suite."""
        return gate in self.bars()

    def bars(self) -> dict[str, dict[str, Any]]:
        """The tables of the policy's gates: those all pairs share, and this pair's own."""
        if self.alone:
            return {self.suite: dict(self.gates.get(self.suite, COMMON[self.suite]))}
        shared = {name: dict(bars) for name, bars in COMMON.items()}
        if self.truth != "labels":
            shared["accuracy"], shared["robustness"] = {}, {"order_violations": 0}
            shared.pop("fairness")
        for gate, bars in self.gates.items():
            shared[gate] = {**shared.get(gate, {}), **bars}
        return shared


def lay_out(pair: Pair, folder: Path) -> Path:
    """Write everything of a pair to `folder`: gates.toml, holdout.parquet and the models.

    They lie in `defective`, `sound` and, where there is one, `champion`. Where drift is asked,
    reference.parquet and current.parquet lie there, too. Returns `folder`.
    """
    pair.defective(folder / "defective")
    pair.sound(folder / "sound")
    pair.champion(folder / "champion")
    pair.holdout(folder / "holdout.parquet")
    pair.samples(folder)
    (folder / "gates.toml").write_text(pair.policy, encoding="utf-8")
    if pair.repeated:
        other = pair.policy.replace("reference.parquet", "reference-sound.parquet")
        (folder / "gates-sound.toml").write_text(other, encoding="utf-8")
    return folder


def gates(folder: Path, model: str) -> Path:
    """The policy in `folder` for a model: gates.toml, or one of its own."""
    own = folder / f"gates-{model}.toml"
    return own if own.exists() else folder / "gates.toml"


def _table(name: str, values: Mapping[str, Any]) -> list[str]:
    """A TOML table; a mapping in it becomes a table of its own."""
    plain = {key: value for key, value in values.items() if not isinstance(value, dict)}
    lines = ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in plain.items())]
    for key, inner in values.items():
        if isinstance(inner, dict):
            lines += _table(f"{name}.{key}", inner)
    return lines
