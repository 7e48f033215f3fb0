"""MLmodel: which module loads the model, which files it reads, what it wants trusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from gatekit.errors import CandidateError
from gatekit.scanning.finding import Finding
from gatekit.scanning.vocabulary import Vocabulary, vocabulary
from gatekit.scoring.signature import read_mlmodel

MOST_BYTES = 16 * 1024 * 1024
# Flavors whose files can be read here, with the keys that MLflow gives them. What is missing loads
# through code that nobody here reads: mlflow.keras and mlflow.tensorflow (layers may hold code),
# mlflow.pytorch (names a pickle module), mlflow.spacy, mlflow.pyfunc.loaders (run a script).
_COMMON = {"code", "extra_files"}
FLAVORS: dict[str, set[str]] = {
    "python_function": {
        *("loader_module", "data", "code", "env", "config", "model_config", "streamable"),
        *("predict_fn", "model_path", "python_version", "python_model", "cloudpickle_version"),
        *("artifacts", "python_model_compression", "model_code_path"),
    },
    "sklearn": {
        *("pickled_model", "sklearn_version", "serialization_format", "skops_trusted_types"),
        *("predict_fn", *_COMMON),
    },
    "xgboost": {"xgb_version", "data", "model_class", "model_format", *_COMMON},
    "lightgbm": {
        *("lgb_version", "data", "model_class", "serialization_format", "skops_trusted_types"),
        *_COMMON,
    },
    "onnx": {"onnx_version", "data", "providers", "onnx_session_options", *_COMMON},
}
LOADERS = frozenset(
    {"mlflow.sklearn", "mlflow.xgboost", "mlflow.lightgbm", "mlflow.onnx", "mlflow.pyfunc.model"}
)
OWN = frozenset({"gatekit.testing.toys"})
CODE = ("code", "model_code_path", "code_path", "code_paths")
PATHS = ("data", "model_path", "pickled_model", "python_model", "model_data")
PREDICTS = frozenset(
    """predict predict_proba predict_log_proba predict_joint_log_proba decision_function transform
    score_samples""".split()  # noqa: SIM905 - a list of words, to be read
)
FORMATS = ("pickle", "cloudpickle", "skops")


@dataclass(slots=True)
class Described:
    """What the MLmodel files of a model say about its other files."""

    findings: list[Finding] = field(default_factory=list)
    flavors: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)  # files and folders that a loader reads
    pickles: set[str] = field(default_factory=set)  # of these, the ones it unpickles
    onnx: set[str] = field(default_factory=set)
    opaque: bool = False  # a loader that the policy trusts reads what it likes


def describe_files(folder: Path, paths: list[str], trusted: tuple[str, ...]) -> Described:
    """Read every MLmodel among `paths` (relative to `folder`), and judge it."""
    described = Described()
    read: list[tuple[str, dict[str, Any]]] = []
    # skops' list is read from the MLmodel nearest to the file, so every MLmodel counts.
    for path in paths:
        if PurePosixPath(path).name == "MLmodel":
            flavors = _flavors(folder / path, path, described)
            read.append((path, flavors))
            described.flavors |= set(flavors)
    for _, flavors in read:
        loader = flavors.get("python_function", {}).get("loader_module")
        described.flavors |= {loader} if isinstance(loader, str) else set()
    words = vocabulary(described.flavors, trusted)
    for path, flavors in read:
        for name, config in flavors.items():
            for word, why in _flavor(name, config, words):
                described.findings.append(Finding(path, word, f"flavor {name}: {why}"))
            _files(PurePosixPath(path).parent, name, config, described)
        loader = flavors.get("python_function", {}).get("loader_module")
        described.opaque |= isinstance(loader, str) and loader not in LOADERS | OWN
    return described


def _flavors(file: Path, path: str, described: Described) -> dict[str, dict[str, Any]]:
    def refuse(reason: str) -> dict[str, dict[str, Any]]:
        described.findings.append(Finding(path, "", reason))
        return {}

    if file.stat().st_size > MOST_BYTES:
        return refuse("it is too large to be read")
    try:
        flavors = read_mlmodel(file.parent).get("flavors")
    except CandidateError as error:
        return refuse(error.message)
    if not isinstance(flavors, dict) or "python_function" not in flavors:
        return refuse("it has no python_function flavor")
    if not all(isinstance(c, dict) and isinstance(n, str) for n, c in flavors.items()):
        return refuse("a flavor is not a mapping")
    if not flavors["python_function"].get("loader_module"):
        refuse("it has no loader_module")
    return flavors


def _flavor(name: str, config: dict[str, Any], words: Vocabulary) -> Iterator[tuple[str, str]]:
    for key in CODE:
        if config.get(key):
            yield f"{key}: {config[key]}", f"it brings its own code ({key}: {config[key]})"
    if f"mlflow.{name}" not in words.trusted:
        if name not in FLAVORS:
            yield f"mlflow.{name}", "gatekit has no rules to read this flavor by"
        else:
            for key in config:
                if key not in FLAVORS[name] and key not in CODE:
                    yield str(key), f"its key {key!r} is unknown"
    loader = config.get("loader_module")
    if loader is not None and not _is_known(loader, words.trusted):
        yield str(loader), f"loader_module {loader!r} is not on the list of known loaders"
    yield from _leading_out(config)
    yield from _classes(name, config, words)


def _classes(name: str, config: dict[str, Any], words: Vocabulary) -> Iterator[tuple[str, str]]:
    if "predict_fn" in config and config["predict_fn"] not in PREDICTS:
        yield str(config["predict_fn"]), f"it predicts by {config['predict_fn']!r}"
    kind = config.get("model_class")
    if kind is not None and not (words.allows_dotted(kind) and str(kind).startswith(f"{name}.")):
        yield str(kind), f"model_class {kind!r} is not on the list of allowed names"
    if config.get("serialization_format", "pickle") not in FORMATS:
        yield "serialization_format", "its serialization_format is unknown"
    types = config.get("skops_trusted_types") or []
    if not isinstance(types, list):
        yield "skops_trusted_types", "skops_trusted_types is not a list"
        return
    for each in types:
        if not words.allows_dotted(each):
            yield str(each), f"it wants {each!r} trusted (skops_trusted_types)"


def _leading_out(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    paths: list[tuple[str, object]] = [(key, config[key]) for key in PATHS if config.get(key)]
    paths += [("artifacts", path) for path in _artifacts(config)]
    paths += [("extra_files", path) for path in _extra(config)]
    env = config.get("env")
    paths += [("env", p) for p in (env.values() if isinstance(env, dict) else [env]) if p]
    for key, path in paths:
        if not isinstance(path, str) or _leaves(path):
            yield str(path), f"{key} leads out of the model's folder"


def _artifacts(config: dict[str, Any]) -> list[object]:
    given = config.get("artifacts") or {}
    if not isinstance(given, dict):
        return [None]
    return [each.get("path") if isinstance(each, dict) else None for each in given.values()]


def _extra(config: dict[str, Any]) -> list[object]:
    given = config.get("extra_files") or []
    if not isinstance(given, list):
        return [None]
    return [each.get("path") if isinstance(each, dict) else None for each in given]


def _files(base: PurePosixPath, flavor: str, config: dict[str, Any], described: Described) -> None:
    named = [config.get(key) for key in PATHS] + _artifacts(config) + _extra(config)
    described.named |= {str(base / path) for path in named if isinstance(path, str)}
    unpickled = ["python_model"]
    if flavor == "sklearn" and config.get("serialization_format", "pickle") != "skops":
        unpickled.append("pickled_model")
    if flavor == "lightgbm" and config.get("serialization_format", "cloudpickle") != "skops":
        native = config.get("model_class", "lightgbm.basic.Booster") == "lightgbm.basic.Booster"
        unpickled += [] if native else ["data"]
    for key in unpickled:
        if isinstance(config.get(key), str):
            described.pickles.add(str(base / config[key]))
    if flavor == "onnx" and isinstance(config.get("data"), str):
        described.onnx.add(str(base / config["data"]))


def _is_known(loader: object, trusted: frozenset[str]) -> bool:
    return isinstance(loader, str) and (loader in LOADERS or loader in OWN or loader in trusted)


def _leaves(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/"))
    return parts.is_absolute() or ".." in parts.parts
