"""What was handed over in a notebook, as what a run reads: a model URI, a data file, a policy."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekit.data import Holdout, open_holdout
from gatekit.errors import CandidateError, DataError, PolicyError
from gatekit.notebook.policy_text import anchored, tables_of, toml_text
from gatekit.policy import Policy
from gatekit.policy_file import read_policy
from gatekit.project import find_project
from gatekit.registry.model_uri import parse_model_uri

if TYPE_CHECKING:
    import pandas as pd

DATA_FILE = "notebook-data.parquet"
POLICY_FILE = "notebook-gates.toml"
PINS = ("rev", "sha256")  # they speak of the file that the policy names, and of no other


@dataclass(frozen=True, slots=True)
class Inputs:
    """A run's inputs. `handed_over` says what was no registered version, in words; or nothing."""

    uri: str
    policy_file: Path
    handed_over: str = ""


def write_inputs(model: Any, data: Any, policy: Any, scratch: Path) -> Inputs:
    """Write to `scratch` what is not a file yet.

    Raises:
        UsageProblem: what was given as model, data or policy is none.
    """
    file = _policy_file(policy, data, scratch)
    read = read_policy(file)
    if isinstance(model, str | Path):
        uri = parse_model_uri(str(model))
        handed = "" if uri.is_registered else f"{model} is no registered version"
        return Inputs(uri.text, file, handed)
    name = type(model).__name__
    if isinstance(model, type) or not callable(getattr(model, "predict", None)):
        raise CandidateError(
            f"a model is a fitted scikit-learn estimator or a model URI, and not {_named(model)}",
            "Give what fit() returned, or text such as models:/churn-model/6",
        )
    _check_fitted(model)
    holdout = open_holdout(read.holdout, file.parent)
    from gatekit.registry.mlflow_saving import save_estimator

    folder = save_estimator(model, _features(model, holdout), scratch / name)
    return Inputs(str(folder), file, f"this {name} is registered nowhere")


def _policy_file(policy: Any, data: Any, scratch: Path) -> Path:
    """The policy's own file where nothing of it is replaced; else one that says the whole."""
    here = Path.cwd()
    if policy is None or isinstance(policy, str | Path):
        path = find_project().policy_path(None if policy is None else str(policy)).resolve()
        if data is None or _is_named_by(path, data):
            return path
        read_policy(path)  # its errors name the file that the person knows
        tables, folder = tomllib.loads(path.read_text(encoding="utf-8")), path.parent
    elif isinstance(policy, Policy):
        tables, folder = tables_of(policy), here
    elif isinstance(policy, Mapping):
        tables, folder = dict(policy), here
    else:
        raise PolicyError(
            f"a policy is a path, a mapping or a Policy, and not {_named(policy)}",
            'Such as "gates.toml", or what tomllib reads from one',
        )
    tables = anchored(tables, folder)
    if data is not None:
        tables = _with_data(tables, data, scratch)
    file = scratch / POLICY_FILE
    file.write_text(toml_text(tables), encoding="utf-8")
    return file


def _is_named_by(policy_file: Path, data: Any) -> bool:
    if not isinstance(data, str | Path):
        return False
    named = policy_file.parent / read_policy(policy_file).holdout.path
    return named.resolve() == Path(data).resolve()


def _with_data(tables: dict[str, Any], data: Any, scratch: Path) -> dict[str, Any]:
    samples = tables.get("data")
    samples = dict(samples) if isinstance(samples, Mapping) else {}
    holdout = samples.get("holdout")
    kept = dict(holdout) if isinstance(holdout, Mapping) else {}
    path = str(Path(data).resolve()) if isinstance(data, str | Path) else _written(data, scratch)
    samples["holdout"] = {**{k: v for k, v in kept.items() if k not in PINS}, "path": path}
    return {**tables, "data": samples}


def _written(data: Any, scratch: Path) -> str:
    """The name of the Parquet file beside the policy that holds these rows."""
    import pyarrow as pa
    from pyarrow import parquet

    if type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns"):
        try:
            data = pa.Table.from_pandas(data, preserve_index=False)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise DataError(
                f"this frame cannot be written as Parquet: {str(error).splitlines()[0]}",
                "Give each column one type that Arrow has",
            ) from error
    if not isinstance(data, pa.Table):
        raise DataError(
            f"data is a path, a pyarrow table or a pandas frame, and not {_named(data)}",
            "The label is one of its columns, as the policy's data.holdout.target says",
        )
    parquet.write_table(data, scratch / DATA_FILE)
    return DATA_FILE


def _check_fitted(model: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    name = type(model).__name__
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise CandidateError(f"this {name} is not fitted", "Call its fit() first") from None
    except TypeError:
        raise CandidateError(
            f"{name} is no scikit-learn estimator", "Log it with MLflow, and give its URI or folder"
        ) from None


def _features(model: Any, holdout: Holdout) -> pd.DataFrame:
    """The columns it was fitted on, by name; without names, all but the label, if as many."""
    frame: pd.DataFrame = holdout.table.to_pandas()
    named = getattr(model, "feature_names_in_", None)
    if named is not None:
        if absent := [str(name) for name in named if name not in frame.columns]:
            raise DataError(
                f"{holdout.path.name} has no column {absent[0]!r}, on which the model was fitted",
                f"It has: {', '.join(map(str, frame.columns))}",
            )
        return frame[list(named)]
    others = [name for name in frame.columns if name != holdout.spec.target]
    wanted = getattr(model, "n_features_in_", len(others))
    if wanted != len(others):
        raise DataError(
            f"the model was fitted on {wanted} columns without names, and {holdout.path.name} has "
            f"{len(others)} beside the label",
            "Fit it on a frame, whose columns have names",
        )
    return frame[others]


def _named(thing: object) -> str:
    if isinstance(thing, type):
        return f"the class {thing.__name__}"
    return f"{type(thing).__name__} {str(thing)[:40]!r}" if thing is not None else "None"
