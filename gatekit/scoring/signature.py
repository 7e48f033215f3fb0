"""What columns a model asks for, read from its MLmodel file without importing mlflow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatekit.errors import CandidateError

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

NUMERIC = ("boolean", "integer", "long", "float", "double")
TYPES = (*NUMERIC, "string", "binary", "datetime")
ANSWERS = {  # how MLflow's and numpy's names of such types begin
    "words": ("string", "str", "object", "<U"),
    "booleans": ("bool",),
    "numbers": ("int", "uint", "long", "float", "double"),
}
SAVE_AGAIN = "Save the model with a signature of named columns (mlflow.models.infer_signature)"


@dataclass(frozen=True, slots=True)
class Column:
    """One input column; `type` is MLflow's word for it, one of `TYPES`."""

    name: str
    type: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Signature:
    """The input columns of a model, in the model's order."""

    inputs: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.inputs)

    @property
    def is_numeric(self) -> bool:
        """Whether every column is a number or a boolean."""
        return all(column.type in NUMERIC for column in self.inputs)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` reads them back."""
        return {
            "inputs": [
                {"name": column.name, "type": column.type, "required": column.required}
                for column in self.inputs
            ]
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Signature:
        """The signature that `as_dict` wrote.

        Raises:
            CandidateError: a column without a name, or of a type gatekit does not know.
        """
        columns = tuple(_column(entry) for entry in values["inputs"])
        names = [column.name for column in columns]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise CandidateError(f"the model's signature names {twice[0]!r} twice", SAVE_AGAIN)
        if not columns:
            raise CandidateError("the model's signature has no input column", SAVE_AGAIN)
        return cls(columns)


def read_mlmodel(folder: Path) -> dict[str, Any]:
    """The content of `folder/MLmodel`.

    Raises:
        CandidateError: no such file, or not a YAML mapping.
    """
    import yaml

    try:
        # Loader and file are those of MLflow itself: two readers must not see two models.
        content = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CandidateError(f"{folder.name}: no MLmodel file in the model's folder") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        reason = type(error).__name__
        raise CandidateError(f"{folder.name}/MLmodel cannot be read ({reason})") from error
    if not isinstance(content, dict):
        raise CandidateError(f"{folder.name}/MLmodel is not a mapping of keys to values")
    return content


def read_signature(folder: Path) -> Signature | None:
    """The signature of the model in `folder`; None when the model has none.

    Raises:
        CandidateError: MLmodel is unreadable, or the inputs are tensors or have no names.
    """
    declared = read_mlmodel(folder).get("signature")
    if declared is None:
        return None
    inputs = declared.get("inputs") if isinstance(declared, dict) else None
    if inputs is None:
        return None
    try:
        entries = json.loads(inputs)
    except (TypeError, ValueError) as error:
        raise CandidateError("the signature in MLmodel is not valid JSON", SAVE_AGAIN) from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CandidateError("the signature in MLmodel is not a list of columns", SAVE_AGAIN)
    return Signature.from_dict({"inputs": entries})


def arrow_type(type: str) -> pa.DataType:  # noqa: A002 - the word of the field
    """The Arrow type of a column that MLflow calls `type`; ValueError for any other word."""
    import pyarrow as pa

    if type not in TYPES:
        raise ValueError(f"{type!r} is no column type; known are {', '.join(TYPES)}")
    types: dict[str, pa.DataType] = {
        "boolean": pa.bool_(),
        "integer": pa.int32(),
        "long": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "string": pa.string(),
        "binary": pa.binary(),
        "datetime": pa.timestamp("ns"),
    }
    return types[type]


def _column(entry: dict[str, Any]) -> Column:
    kind, name = entry.get("type"), entry.get("name")
    if kind == "tensor":
        raise CandidateError("the model's signature is a tensor; gatekit needs columns", SAVE_AGAIN)
    if not isinstance(name, str) or not name:
        raise CandidateError("the model's signature has a column without a name", SAVE_AGAIN)
    if kind not in TYPES:
        known = ", ".join(TYPES)
        raise CandidateError(f"column {name!r} is of type {kind!r}; gatekit knows {known}")
    # MLflow before 2.6 wrote `optional` where it now writes `required`.
    required = entry.get("required", not entry.get("optional", False))
    return Column(name, kind, bool(required))


def declared_kind(folder: Path) -> str:
    """What the signature says of a row's answer: "words", "numbers" or "booleans".

    "" where it says nothing, or has more than one value a row.

    Raises:
        CandidateError: MLmodel is unreadable.
    """
    declared = read_mlmodel(folder).get("signature")
    outputs = declared.get("outputs") if isinstance(declared, dict) else None
    try:
        entries = json.loads(outputs or "[]")
    except (TypeError, ValueError):
        return ""
    if not isinstance(entries, list) or len(entries) != 1 or not isinstance(entries[0], dict):
        return ""
    kind, tensor = entries[0].get("type"), entries[0].get("tensor-spec", {})
    if kind == "tensor":
        if len(tensor.get("shape", ())) != 1:
            return ""
        kind = str(tensor.get("dtype", ""))
    return next((word for word, starts in ANSWERS.items() if str(kind).startswith(starts)), "")
