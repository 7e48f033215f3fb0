"""From a fitted scikit-learn estimator to a form of plain parts, by its public attributes alone.

Exact classes only: a subclass may do anything. What is not known is refused in words, because an
engine that quietly became another one would serve what was not gated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gatekit.errors import CandidateError
from gatekit.scoring.form import Form, Part
from gatekit.scoring.trees import TREES, describe_trees

if TYPE_CHECKING:
    from gatekit.scoring.signature import Signature

LINEAR_CLASSIFIERS = (
    *("LogisticRegression", "LogisticRegressionCV", "LinearSVC", "SGDClassifier"),
    *("Perceptron", "RidgeClassifier", "RidgeClassifierCV"),
)
LINEAR_REGRESSIONS = (
    *("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV"),
    *("BayesianRidge", "HuberRegressor", "SGDRegressor"),
)
LOGISTIC = ("LogisticRegression", "LogisticRegressionCV")
# Columns of these types reach a numeric step as float64, as scikit-learn would have them.
NUMBERS = ("double", "long", "integer", "boolean")


def describe_estimator(estimator: Any, signature: Signature, asked: str = "predict") -> Form:
    """`estimator` as parts; `asked` is the method that is to answer.

    Raises:
        CandidateError: a part of it, or a column's type, is not one that is known.
    """
    if not all(column.required for column in signature.inputs):
        raise refusal("the signature has optional columns")
    names = signature.names
    steps, last = opened(estimator)
    by_columns = bool(steps) and kind(steps[0]) in COLUMN_STEPS
    allowed = (*NUMBERS, "string") if by_columns else NUMBERS
    if not steps and kind(last) in TREES:
        allowed = (*NUMBERS, "float")  # trees compare numbers, whatever their width
    for column in signature.inputs:
        if column.type not in allowed:
            raise refusal(f"column {column.name!r} is of type {column.type}")
    fitted = getattr(estimator, "feature_names_in_", None)
    if fitted is not None and tuple(fitted) != names:
        raise refusal("the signature names its columns otherwise than the estimator was fitted")
    before = tuple(
        _step(step, names if position == 0 else ()) for position, step in enumerate(steps)
    )
    head = _head(last)
    if asked not in ("predict", "predict_proba") or (asked != "predict" and not head["odds"]):
        raise refusal(f"it is asked for {asked}, which is not compiled for this estimator")
    classes = np.asarray(getattr(estimator, "classes_", ())).tolist()
    return Form(signature, before, head, by_columns, asked, tuple(classes))


def refusal(what: str) -> CandidateError:
    """The error of a model that cannot be compiled."""
    return CandidateError(
        f"the compiled engine cannot be had for this model: {what}",
        'Say engine = "native", or "pyfunc"',
    )


def kind(estimator: object) -> str:
    """The class's name where it is scikit-learn's own, else empty."""
    found = type(estimator)
    return found.__name__ if found.__module__.partition(".")[0] == "sklearn" else ""


def opened(estimator: Any) -> tuple[list[Any], Any]:
    """The steps of a pipeline, of pipelines within it too, and the last one; it alone elsewhere."""
    if kind(estimator) != "Pipeline":
        return [], estimator
    *steps, last = [step for _, step in estimator.steps]
    inner, last = opened(last)
    return [s for s in (*steps, *inner) if s is not None and s != "passthrough"], last


def _head(last: Any) -> Part:
    name = kind(last)
    if name in TREES:
        return describe_trees(last, name, refusal)
    if name not in LINEAR_CLASSIFIERS and name not in LINEAR_REGRESSIONS:
        raise refusal(f"it ends in {type(last).__name__}")
    coefficients = np.atleast_2d(np.asarray(last.coef_))
    if coefficients.dtype != np.float64:
        raise refusal(f"its coefficients are {coefficients.dtype}")
    linear = {
        "do": "linear",
        "coefficients": coefficients,
        "intercept": np.asarray(last.intercept_, dtype=np.float64),
    }
    if name in LINEAR_REGRESSIONS:
        if coefficients.shape[0] != 1:
            raise refusal("it gives more than one number a row")
        return {**linear, "classes": None, "odds": ""}
    classes = np.asarray(last.classes_)
    if classes.ndim != 1:
        raise refusal("it gives more than one label a row")
    return {**linear, "classes": classes, "odds": _odds(last, name)}


def _odds(last: Any, name: str) -> str:
    """How the scores become probabilities; empty where that is not known."""
    if name not in LOGISTIC or getattr(last, "multi_class", "auto") not in ("auto", "deprecated"):
        return ""
    if len(last.classes_) > 2:  # noqa: PLR2004 - more than two classes
        return "" if last.solver == "liblinear" else "softmax"
    return "expit"


def _step(step: Any, names: Sequence[str]) -> Part:
    maker = STEPS.get(kind(step))
    if maker is None:
        raise refusal(f"it has a step {type(step).__name__}")
    return maker(step, names)


def _standard(step: Any, _: Sequence[str]) -> Part:
    return {
        "do": "scale",
        "mean": np.asarray(step.mean_) if step.with_mean else None,
        "divisor": np.asarray(step.scale_) if step.with_std else None,
    }


def _robust(step: Any, _: Sequence[str]) -> Part:
    return {
        "do": "scale",
        "mean": np.asarray(step.center_) if step.with_centering else None,
        "divisor": np.asarray(step.scale_) if step.with_scaling else None,
    }


def _max_abs(step: Any, _: Sequence[str]) -> Part:
    if getattr(step, "clip", False):
        raise refusal("its MaxAbsScaler clips")
    return {"do": "scale", "mean": None, "divisor": np.asarray(step.scale_)}


def _min_max(step: Any, _: Sequence[str]) -> Part:
    if step.clip:
        raise refusal("its MinMaxScaler clips")
    return {"do": "stretch", "factor": np.asarray(step.scale_), "shift": np.asarray(step.min_)}


def _impute(step: Any, _: Sequence[str]) -> Part:
    statistics = np.asarray(step.statistics_)
    missing = step.missing_values
    if step.add_indicator or not (missing is None or missing != missing):  # noqa: PLR0124 - NaN alone
        raise refusal("its SimpleImputer adds columns, or fills something other than what is empty")
    if statistics.dtype.kind == "f" and np.isnan(statistics).any():
        raise refusal("its SimpleImputer drops columns")
    return {"do": "fill", "statistics": statistics}


def _one_hot(step: Any, _: Sequence[str]) -> Part:
    if step.min_frequency is not None or step.max_categories is not None:
        raise refusal("its OneHotEncoder gathers rare categories")
    dropped = step.drop_idx_ if step.drop_idx_ is not None else [None] * len(step.categories_)
    codes, width = [], 0
    for categories, drop in zip(step.categories_, dropped, strict=True):
        known: dict[Any, int] = {}
        for position, category in enumerate(_plain(categories)):
            if position == drop:
                known[category] = -1
            else:
                known[category], width = width, width + 1
        codes.append(known)
    strict = step.handle_unknown == "error"
    return {"do": "one_hot", "codes": codes, "width": width, "strict": strict}


def _ordinal(step: Any, _: Sequence[str]) -> Part:
    if step.min_frequency is not None or step.max_categories is not None:
        raise refusal("its OrdinalEncoder gathers rare categories")
    unknown = None if step.handle_unknown == "error" else float(step.unknown_value)
    codes = [
        {category: float(position) for position, category in enumerate(_plain(categories))}
        for categories in step.categories_
    ]
    return {"do": "ordinal", "codes": codes, "unknown": unknown}


def _plain(categories: Any) -> list[Any]:
    """The categories as Python values; one that is empty is refused: it equals nothing."""
    said: list[Any] = np.asarray(categories).tolist()
    if any(value is None or value != value for value in said):  # noqa: PLR0124 - NaN alone
        raise refusal("one of its categories is the empty value")
    return said


def _by_column(step: Any, names: Sequence[str]) -> Part:
    parts: list[Part] = []
    for _, transformer, chosen in step.transformers_:
        positions = _positions(chosen, names)
        if not positions or (isinstance(transformer, str) and transformer == "drop"):
            continue
        if isinstance(transformer, str) or kind(transformer) == "FunctionTransformer":
            if not isinstance(transformer, str) and transformer.func is not None:
                raise refusal("it has a step FunctionTransformer")
            parts.append({"do": "part", "positions": positions, "steps": []})
            continue
        steps, last = opened(transformer)
        inner = [*steps, last] if last is not None and last != "passthrough" else steps
        within = [_step(one, ()) for one in inner]
        parts.append({"do": "part", "positions": positions, "steps": within})
    if not parts:
        raise refusal("its ColumnTransformer drops every column")
    return {"do": "side_by_side", "parts": parts}


def _positions(chosen: Any, names: Sequence[str]) -> list[int]:
    said = np.asarray(chosen).tolist() if not isinstance(chosen, (str, slice)) else chosen
    if isinstance(said, list) and all(isinstance(one, str) and one in names for one in said):
        return [names.index(one) for one in said]
    if isinstance(said, list) and all(type(one) is int and one >= 0 for one in said):
        return said
    raise refusal("its ColumnTransformer chooses columns by something other than names or numbers")


COLUMN_STEPS = ("ColumnTransformer", "OneHotEncoder", "OrdinalEncoder")
STEPS: dict[str, Callable[[Any, Sequence[str]], Part]] = {
    "StandardScaler": _standard,
    "RobustScaler": _robust,
    "MaxAbsScaler": _max_abs,
    "MinMaxScaler": _min_max,
    "SimpleImputer": _impute,
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
    "ColumnTransformer": _by_column,
}
