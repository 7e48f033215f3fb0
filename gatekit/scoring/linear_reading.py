"""From a fitted scikit-learn classifier to its linear form, by its public attributes alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gatekit.errors import CandidateError
from gatekit.scoring.compiling import LINEAR_CLASSIFIERS, kind, opened
from gatekit.scoring.linear import Column, LinearForm, Weights, is_empty

if TYPE_CHECKING:
    from gatekit.scoring.signature import Signature

Levels = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class _Feature:
    """A column of the matrix that a step gives: scale * x + shift, or a number for each level."""

    column: int
    scale: float = 1.0
    shift: float = 0.0
    levels: Levels | None = None
    other: float = 0.0
    filled: Any = None

    @property
    def is_raw(self) -> bool:
        return self.levels is None and (self.scale, self.shift) == (1.0, 0.0)

    def at(self, level: Any) -> float:
        return float((self.levels or {}).get(level, self.other))

    def then(self, scale: float, shift: float) -> _Feature:
        if self.levels is None:
            return replace(self, scale=scale * self.scale, shift=scale * self.shift + shift)
        moved = {value: scale * number + shift for value, number in self.levels.items()}
        return replace(self, levels=moved, other=scale * self.other + shift)


Features = list[_Feature]


def linear_form(estimator: Any, signature: Signature) -> LinearForm:
    """The linear form of `estimator`, or of a pipeline that ends in a linear classifier.

    Raises:
        CandidateError: it has none, or a step is not known; the message says which.
    """
    names = signature.names
    fitted = getattr(estimator, "feature_names_in_", None)
    if fitted is not None and tuple(fitted) != names:
        raise none_of("the signature names its columns otherwise than it was fitted")
    steps, last = opened(estimator)
    features = [_Feature(position) for position in range(len(names))]
    for step in steps:
        features = _through(step, features, names)
    if kind(last) not in LINEAR_CLASSIFIERS:
        raise none_of(f"it ends in {type(last).__name__}")
    weights = np.atleast_2d(np.asarray(last.coef_, dtype=float))
    intercept = np.broadcast_to(np.asarray(last.intercept_, dtype=float), len(weights)).copy()
    if len(weights) == 1:  # one row tells the second of two labels from the first
        weights = np.concatenate([np.zeros_like(weights), weights])
        intercept = np.append(0.0, intercept)
    return _gathered(np.asarray(last.classes_).tolist(), weights, intercept, features, names)


def none_of(what: str) -> CandidateError:
    """The error of a model without a linear form."""
    return CandidateError(what)


def _gathered(
    labels: list[Any],
    weights: np.ndarray[Any, Any],
    intercept: np.ndarray[Any, Any],
    features: Features,
    names: Sequence[str],
) -> LinearForm:
    columns: dict[str, Column] = {}
    for position, name in enumerate(names):
        mine = [(w, f) for w, f in zip(weights.T, features, strict=True) if f.column == position]
        numbers = [(w, f) for w, f in mine if f.levels is None]
        tables = [(w, f) for w, f in mine if f.levels is not None]
        slope = sum((w * f.scale for w, f in numbers), np.zeros(len(labels)))
        intercept = intercept + sum((w * f.shift for w, f in numbers), np.zeros(len(labels)))
        known = dict.fromkeys(value for _, f in tables for value in f.levels or ())
        levels: dict[Any, Weights] = {
            value: tuple(sum((w * f.at(value) for w, f in tables), np.zeros(len(labels))))
            for value in known
        }
        other = tuple(sum((w * f.other for w, f in tables), np.zeros(len(labels))))
        filled = next((f.filled for _, f in mine if f.filled is not None), None)
        columns[name] = Column(tuple(slope), levels, other if levels else (), filled)
    return LinearForm(tuple(labels), tuple(intercept), columns)


def _through(step: Any, features: Features, names: Sequence[str]) -> Features:
    name = kind(step)
    if name == "ColumnTransformer":
        return _by_column(step, features, names)
    if name not in STEPS:
        raise none_of(f"it has a step {type(step).__name__}")
    return STEPS[name](step, features)


def _by_column(step: Any, features: Features, names: Sequence[str]) -> Features:
    made: Features = []
    for _, part, chosen in step.transformers_:
        if isinstance(part, str) and part == "drop":
            continue
        said = np.asarray(chosen).tolist() if not isinstance(chosen, (str, slice)) else chosen
        if not isinstance(said, list):
            raise none_of("its ColumnTransformer chooses columns by something else than a list")
        places = [names.index(one) if isinstance(one, str) else int(one) for one in said]
        inner, last = opened(part) if not isinstance(part, str) else ([], "passthrough")
        mine = [features[place] for place in places]
        for each in (*inner, last):
            if not isinstance(each, str) and each is not None and _is_kept(each):
                mine = _through(each, mine, ())
        made += mine
    return made


def _is_kept(step: Any) -> bool:
    return kind(step) != "FunctionTransformer" or step.func is not None


def _affine(
    read: Callable[[Any], tuple[Any, Any]],
) -> Callable[[Any, Features], Features]:
    """A step that multiplies and shifts each feature by itself."""

    def through(step: Any, features: Features) -> Features:
        if getattr(step, "clip", False):
            raise none_of(f"its {type(step).__name__} clips")
        scale, shift = (np.broadcast_to(each, len(features)) for each in read(step))
        ends = zip(features, scale.tolist(), shift.tolist(), strict=True)
        return [feature.then(a, b) for feature, a, b in ends]

    return through


def _standard(step: Any) -> tuple[Any, Any]:
    scale = 1 / np.asarray(step.scale_) if step.with_std else 1.0
    return scale, -np.asarray(step.mean_) * scale if step.with_mean else 0.0


def _robust(step: Any) -> tuple[Any, Any]:
    scale = 1 / np.asarray(step.scale_) if step.with_scaling else 1.0
    return scale, -np.asarray(step.center_) * scale if step.with_centering else 0.0


def _filled(step: Any, features: Features) -> Features:
    missing = step.missing_values
    if step.add_indicator or not (missing is None or missing != missing):  # noqa: PLR0124 - NaN alone
        raise none_of("its SimpleImputer does more than fill what is empty")
    made = []
    for feature, statistic in zip(features, np.asarray(step.statistics_).tolist(), strict=True):
        if feature.levels is not None:
            raise none_of("it fills what an encoder gave")
        known = statistic if isinstance(statistic, str) else statistic - feature.shift
        value = known if isinstance(known, str) else known / feature.scale
        made.append(replace(feature, filled=value))
    return made


def _one_hot(step: Any, features: Features) -> Features:
    dropped = step.drop_idx_ if step.drop_idx_ is not None else [None] * len(step.categories_)
    made = []
    for feature, categories, drop in zip(features, step.categories_, dropped, strict=True):
        known = _encoded(step, feature, categories)
        for position, category in enumerate(known):
            if position != drop:
                levels = {value: float(value == category) for value in known}
                made.append(replace(feature, levels=levels))
    return made


def _ordinal(step: Any, features: Features) -> Features:
    unknown = float("nan") if step.handle_unknown == "error" else float(step.unknown_value)
    made = []
    for feature, categories in zip(features, step.categories_, strict=True):
        known = _encoded(step, feature, categories)
        levels = {value: float(position) for position, value in enumerate(known)}
        made.append(replace(feature, levels=levels, other=unknown))
    return made


def _encoded(step: Any, feature: _Feature, categories: Any) -> list[Any]:
    if not feature.is_raw or step.min_frequency is not None or step.max_categories is not None:
        raise none_of(f"its {type(step).__name__} gathers categories, or comes after another step")
    said: list[Any] = np.asarray(categories).tolist()
    if any(is_empty(value) for value in said):
        raise none_of("one of its categories is the empty value")
    return said


STEPS: dict[str, Callable[[Any, Features], Features]] = {
    "StandardScaler": _affine(_standard),
    "RobustScaler": _affine(_robust),
    "MaxAbsScaler": _affine(lambda step: (1 / np.asarray(step.scale_), 0.0)),
    "MinMaxScaler": _affine(lambda step: (np.asarray(step.scale_), np.asarray(step.min_))),
    "SimpleImputer": _filled,
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
}
