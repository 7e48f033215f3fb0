"""Three ways from rows to predictions: `compiled`, the flavor's own (`native`), and `pyfunc`.

The same code runs in the candidate's process and in the service: what is gated is what serves.
mlflow is imported only inside the functions that load one of its own flavors.
"""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from gatekit.errors import CandidateError, ModelMisbehaved
from gatekit.scoring.answers import PROBABILITIES, Scored, read_answer
from gatekit.scoring.signature import Signature, read_mlmodel, read_signature
from gatekit.scoring.tables import conform, rows_to_array, to_array, to_columns, to_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

    from gatekit.scoring.linear import LinearForm

ENGINES = ("native", "pyfunc", "compiled")
Wanted = Literal["auto", "native", "pyfunc", "compiled"]
SKLEARN = "mlflow.sklearn"
ESTIMATORS = (SKLEARN, "mlflow.xgboost", "mlflow.lightgbm")  # whose pyfunc says what it has wrapped
ARRAY_LIBRARIES = ("sklearn", "xgboost", "lightgbm")
# Steps that may address columns by name: they need a frame.
FRAME_STEPS = ("ColumnTransformer", "FunctionTransformer")


class Engine(Protocol):
    """A loaded model that scores tables."""

    @property
    def name(self) -> str:
        """`native`, `pyfunc` or `compiled`."""

    def predict(self, table: pa.Table) -> np.ndarray[Any, Any]:
        """One label or score a row, shape (rows,)."""

    def answer(self, table: pa.Table, score: str) -> Scored:
        """Labels and scores, as the policy's `score` says where they are."""

    def run(self, table: pa.Table) -> object:
        """Whatever the model returns, to be timed and not read."""

    def linear_form(self) -> LinearForm:
        """The model's linear form; CandidateError says why it has none."""

    def disturbed(self, table: pa.Table, score: str = "") -> str:
        """What the model changed in the rows it was handed to answer, in words; "" if nothing."""

    @property
    def takes_rows(self) -> bool:
        """Whether `predict_rows` can be asked: the model needs no Arrow table."""

    def predict_rows(self, rows: Sequence[tuple[Any, ...]]) -> np.ndarray[Any, Any]:
        """As `predict`, of rows that were cast by the signature and are in its order."""

    @property
    def form(self) -> bytes:
        """A compiled model at rest, for `load_compiled`; empty for any other engine."""


def choose_engine(folder: Path, wanted: Wanted = "auto") -> str:
    """The engine for the model in `folder`: `wanted`, or for `auto` the fastest exact one.

    Raises:
        CandidateError: the model has no python_function flavor, or `wanted` is no engine.
    """
    loader = str(_python_function(folder).get("loader_module", ""))
    if wanted == "compiled" and loader != SKLEARN:
        raise CandidateError(
            f"the compiled engine cannot be had for a model of {loader}",
            f"It is for {SKLEARN}; say native or pyfunc",
        )
    if wanted in ENGINES:
        return wanted
    if wanted != "auto":
        raise CandidateError(f"{wanted!r} is no engine", f"Choose auto, {' or '.join(ENGINES)}")
    own = loader == "mlflow.sklearn" or loader.startswith("gatekit.")
    return "native" if own else "pyfunc"


def load_engine(folder: Path, name: str) -> Engine:
    """Load the model in `folder` into this process. Its code runs: scan it first.

    Raises:
        CandidateError: `name` is no engine, or MLmodel is unusable. Loading itself may raise
            whatever the model raises.
    """
    config = _python_function(folder)
    signature = read_signature(folder)
    if name == "pyfunc":
        import mlflow.pyfunc

        # it would look through all that is installed for what the model declares: 0.7 s, for a
        # warning that nobody sees; `gatekit.environments` compares, and says so
        model = mlflow.pyfunc.load_model(str(folder), suppress_warnings=True)
        raw = _raw_estimator(model) if config.get("loader_module") in ESTIMATORS else None
        rows = None if signature is None else _frames(signature)
        scoring = _scoring(raw, config)
        return _Loaded("pyfunc", signature, model.predict, to_frame, *scoring, rows, pyfunc=model)
    if name == "compiled":
        return _compile(folder, config, signature)
    if name != "native":
        raise CandidateError(f"{name!r} is no engine", f"Choose {' or '.join(ENGINES)}")
    if config.get("loader_module") == SKLEARN:
        return _load_sklearn(folder, config, signature)
    return _load_flavor(folder, config, signature)


def labels(raw: object) -> np.ndarray[Any, Any]:
    """What a model returned as a one-dimensional array; words become an object array.

    Raises:
        ModelMisbehaved: it is no array, series, one-column frame or list of single values.
    """
    import numpy as np

    if isinstance(raw, np.ndarray):
        array = raw
    elif hasattr(raw, "to_numpy"):
        array = np.asarray(raw.to_numpy())
    elif isinstance(raw, (list, tuple)):
        array = _from_list(list(raw))
    else:
        raise ModelMisbehaved(f"the model returned {_a(type(raw).__name__)}, not an array of rows")
    if array.ndim == 2 and array.shape[1] == 1:  # noqa: PLR2004 - one column of a table
        array = array[:, 0]
    if array.ndim != 1:
        shape = " x ".join(str(size) for size in array.shape) or "single value"
        raise ModelMisbehaved(
            f"the model returned {_a(shape)} array, where one value a row is expected",
            'Where these are scores, say score = "predict_proba" in the policy; else wrap it to '
            "return one column",
        )
    return array.astype(object) if array.dtype.kind == "U" else array


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An engine: a table is made to fit, prepared (frame or array) and scored."""

    name: str
    signature: Signature | None
    score: Callable[[Any], object]
    prepare: Callable[[pa.Table], object]
    classes: tuple[Any, ...] = ()  # of the columns of scores, in order
    probabilities: Callable[[Any], object] | None = None  # where `score` gives labels alone
    rows: Callable[[Any], object] | None = None  # prepares rows without a table, where that is one
    form: bytes = b""  # of a compiled one: itself at rest
    estimator: object = None  # where it is scikit-learn's, and this the engine it was loaded with
    pyfunc: Any = None  # MLflow's wrapper, where it stands between

    @property
    def takes_rows(self) -> bool:
        return self.rows is not None

    def predict_rows(self, rows: Sequence[tuple[Any, ...]]) -> np.ndarray[Any, Any]:
        if self.rows is None:
            raise TypeError(f"the engine {self.name} of this model needs a table")
        return labels(self.score(self.rows(rows)))

    def predict(self, table: pa.Table) -> np.ndarray[Any, Any]:
        return labels(self.run(table))

    def run(self, table: pa.Table) -> object:
        return self.score(self.prepare(conform(table, self.signature)))

    def linear_form(self) -> LinearForm:
        from gatekit.scoring.linear_reading import linear_form, none_of

        if self.estimator is None or self.signature is None:
            raise none_of("it is no model of mlflow.sklearn with a signature")
        return linear_form(self.estimator, self.signature)

    def disturbed(self, table: pa.Table, score: str = "") -> str:
        from gatekit.scoring.handed import disturbance

        def asked(rows: Any) -> object:
            return self._scored(rows, score) if score else self.score(rows)

        return disturbance(asked, self.prepare(conform(table, self.signature)), self.pyfunc)

    def answer(self, table: pa.Table, score: str) -> Scored:
        return self._scored(self.prepare(conform(table, self.signature)), score)

    def _scored(self, rows: Any, score: str) -> Scored:
        if score == PROBABILITIES and self.probabilities is not None:
            own = labels(self.score(rows))
            said = read_answer(self.probabilities(rows), score, self.classes, labels)
            return replace(said, labels=own)
        return read_answer(self.score(rows), score, self.classes, labels)


def _load_sklearn(folder: Path, config: dict[str, Any], signature: Signature | None) -> Engine:
    import mlflow.sklearn

    estimator = mlflow.sklearn.load_model(str(folder))
    score = getattr(estimator, str(config.get("predict_fn", "predict")))
    scoring = _scoring(estimator, config)
    if signature is None or not _takes_array(estimator, signature):
        return _Loaded("native", signature, score, to_frame, *scoring, estimator=estimator)
    # Column order is held by `conform` and was compared with the names seen in fitting. Set once
    # at load: a filter set and reset at every call is dear and not safe between threads.
    warnings.filterwarnings("ignore", "X does not have valid feature names", UserWarning)
    rows = _arrays(signature)
    return _Loaded("native", signature, score, to_array, *scoring, rows, estimator=estimator)


def _compile(folder: Path, config: dict[str, Any], signature: Signature | None) -> Engine:
    """The model's arithmetic as plain functions; it is loaded once more by its own loader."""
    if config.get("loader_module") != SKLEARN or signature is None:
        raise CandidateError(
            "the compiled engine needs a model of mlflow.sklearn with a signature",
            "Say native or pyfunc, or save the model again (mlflow.models.infer_signature)",
        )
    import mlflow.sklearn

    from gatekit.scoring.compiling import describe_estimator

    estimator = mlflow.sklearn.load_model(str(folder))
    asked = str(config.get("predict_fn", "predict"))
    # through the file that the service will read: what is gated is what serves
    return load_compiled(describe_estimator(estimator, signature, asked).pack())


def load_compiled(raw: bytes) -> Engine:
    """The engine of a compiled model at rest; nothing of it is code.

    Raises:
        CandidateError: it is none, or broken.
    """
    from gatekit.scoring.assembling import assemble
    from gatekit.scoring.form import Form

    form = Form.unpack(raw)
    try:
        found = assemble(form)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CandidateError(f"a compiled model that is broken: {type(error).__name__}") from error
    wanted = {"predict": found.predict, PROBABILITIES: found.probabilities}.get(form.asked)
    if wanted is None:
        raise CandidateError(f"a compiled model that is asked for {form.asked!r}")
    prepare = to_columns if found.by_columns else to_array
    rows = (_columns_of if found.by_columns else _arrays)(form.signature)
    beside = found.probabilities if form.asked == "predict" else None
    return _Loaded(
        "compiled", form.signature, wanted, prepare, form.classes, beside, rows, form=raw
    )


def _arrays(signature: Signature) -> Callable[[Any], object]:
    import numpy as np

    if any(column.type == "float" for column in signature.inputs):
        return lambda rows: rows_to_array(rows, signature)
    return lambda rows: np.array(rows, np.float64, order="F")  # the same, decided once


def _frames(signature: Signature) -> Callable[[Any], object] | None:
    """Rows straight to a frame where `to_frame` would give one block of float64; else None."""
    if not all(column.type == "double" and column.required for column in signature.inputs):
        return None
    import pandas as pd

    names = pd.Index(signature.names)
    return lambda rows: pd.DataFrame(rows_to_array(rows, signature), columns=names)


def _columns_of(signature: Signature) -> Callable[[Any], object]:
    import numpy as np

    words = [column.type == "string" for column in signature.inputs]

    def columns(rows: Any) -> object:
        return [
            said if text else np.array(said, np.float64)
            for said, text in zip(zip(*rows, strict=True), words, strict=True)
        ]

    return columns


def _scoring(
    estimator: Any, config: dict[str, Any]
) -> tuple[tuple[Any, ...], Callable[[Any], object] | None]:
    """An estimator's classes in its own order, and what gives probabilities beside its labels."""
    classes = tuple(getattr(estimator, "classes_", ()))
    own = config.get("predict_fn", "predict") == "predict"
    return classes, getattr(estimator, PROBABILITIES, None) if own else None


def _raw_estimator(model: Any) -> object:
    """What pyfunc has wrapped; None where its wrapper does not say."""
    try:
        return model.get_raw_model()
    except (AttributeError, NotImplementedError):
        return None


def _load_flavor(folder: Path, config: dict[str, Any], signature: Signature | None) -> Engine:
    """The flavor's own loader, called as MLflow calls it, without MLflow's wrapping."""
    module = importlib.import_module(str(config["loader_module"]))
    path = str(folder / config["data"]) if "data" in config else str(folder)
    extra = (config["config"],) if config.get("config") else ()
    model = module._load_pyfunc(path, *extra)  # noqa: SLF001 - the name MLflow's flavors share
    score = getattr(model, str(config.get("predict_fn", "predict")))
    # A model that says so reads Arrow columns itself and needs no pandas.
    as_is = getattr(model, "takes_arrow", False) is True
    return _Loaded("native", signature, score, _same if as_is else to_frame)


def _takes_array(estimator: Any, signature: Signature) -> bool:
    """Whether an array without names means the same to `estimator` as the frame would."""
    if not signature.is_numeric or not all(column.required for column in signature.inputs):
        return False
    fitted = getattr(estimator, "feature_names_in_", None)
    if fitted is not None and tuple(fitted) != signature.names:
        return False
    parts = [estimator]
    if hasattr(estimator, "get_params"):
        parts += [part for part in estimator.get_params(deep=True).values() if _is_step(part)]
    return all(
        type(part).__module__.partition(".")[0] in ARRAY_LIBRARIES
        and type(part).__name__ not in FRAME_STEPS
        for part in parts
    )


def _is_step(part: object) -> bool:
    return hasattr(part, "transform") or hasattr(part, "predict")


def _python_function(folder: Path) -> dict[str, Any]:
    flavors = read_mlmodel(folder).get("flavors")
    config = flavors.get("python_function") if isinstance(flavors, dict) else None
    if not isinstance(config, dict) or not config.get("loader_module"):
        raise CandidateError(
            f"{folder.name}: the model has no python_function flavor",
            "Save it with one of MLflow's flavors",
        )
    return config


def _from_list(values: list[object]) -> np.ndarray[Any, Any]:
    import numpy as np

    if any(value is None or isinstance(value, str) for value in values):
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ModelMisbehaved("the model returned a list of lists of unequal length") from error


def _same(table: pa.Table) -> pa.Table:
    return table


def _a(thing: str) -> str:
    return f"an {thing}" if thing[:1].lower() in "aeiou8" else f"a {thing}"
