"""Reasons to refuse a model's files before any of them is loaded.

What is read is the model's own description: which module loads it, whether it brings code, which
types it wants trusted, and whether a path leads out of its folder. The pickles inside are NOT
looked into yet: a pickle runs code when it is loaded, and until that scan exists only the separate
process stands between such a model and the machine.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from gatekit.errors import CandidateError
from gatekit.scoring.signature import read_mlmodel

# mlflow.pyfunc.loaders.* is missing on purpose: those run a script that lies in the model.
LOADERS = (
    *("mlflow.catboost", "mlflow.h2o", "mlflow.keras", "mlflow.lightgbm", "mlflow.onnx"),
    *("mlflow.paddle", "mlflow.pmdarima", "mlflow.prophet", "mlflow.pyfunc.model"),
    *("mlflow.pytorch", "mlflow.sklearn", "mlflow.spacy", "mlflow.spark", "mlflow.statsmodels"),
    *("mlflow.tensorflow", "mlflow.xgboost"),
)
OWN = "gatekit.testing."
# A class below one of these libraries: the last word has a capital, so functions such as
# numpy's runstring, which executes text, are no types. Test and build tools are never needed.
TYPE = re.compile(r"(sklearn|numpy|scipy|xgboost|lightgbm)(\.\w+)*\.(_{0,2}[A-Z]\w*)")
TOOLS = {"testing", "_testing", "tests", "f2py", "distutils", "ctypeslib", "externals", "datasets"}
PLAIN_TYPES = {
    "builtins.bytearray",
    "builtins.complex",
    "builtins.frozenset",
    "collections.Counter",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.deque",
    "numpy.dtype",
    "numpy.ndarray",
}
# Keys of a flavor that name a file of the model.
PATHS = ("data", "model_path", "pickled_model", "model_data", "artifacts")
CODE = ("code", "model_code_path", "code_path", "code_paths")


def scan(folder: Path, trusted: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Why the model in `folder` must not be loaded; empty when nothing speaks against it.

    `trusted` names loader modules and types that are accepted besides the built-in ones.
    Reads the descriptions only: nothing of the model is imported or unpickled.
    """
    reasons = [
        f"{path} is {what}" for path, what in _walk(folder) if what in ("a link", "a device")
    ]
    try:
        read_mlmodel(folder)
    except CandidateError as error:
        return (*reasons, error.message)
    # skops' list is read from the MLmodel nearest to the file, so every MLmodel counts.
    for path, _ in _walk(folder):
        if PurePosixPath(path).name == "MLmodel":
            reasons += _description(folder, path, trusted)
    return tuple(reasons)


def _walk(folder: Path) -> list[tuple[str, str]]:
    found = []
    for parent, folders, names in os.walk(folder):
        for name in sorted((*folders, *names)):
            path = Path(parent, name)
            plain = path.is_file() or path.is_dir()
            what = "a link" if path.is_symlink() else "plain" if plain else "a device"
            found.append((path.relative_to(folder).as_posix(), what))
    return found


def _description(folder: Path, path: str, trusted: tuple[str, ...]) -> list[str]:
    try:
        flavors = read_mlmodel((folder / path).parent).get("flavors")
    except CandidateError as error:
        return [error.message]
    if not isinstance(flavors, dict) or "python_function" not in flavors:
        return [f"{path} has no python_function flavor"]
    reasons = []
    for name, config in flavors.items():
        if isinstance(config, dict):
            reasons += [f"{path}, flavor {name}: {why}" for why in _flavor(config, trusted)]
        else:
            reasons.append(f"{path}, flavor {name}: not a mapping")
    loader = flavors["python_function"]
    if isinstance(loader, dict) and not loader.get("loader_module"):
        reasons.append(f"{path}: no loader_module")
    return reasons


def _flavor(config: dict[str, Any], trusted: tuple[str, ...]) -> list[str]:
    reasons = [f"it brings its own code ({key}: {config[key]})" for key in CODE if config.get(key)]
    loader = config.get("loader_module")
    if loader is not None and not _known_loader(loader, trusted):
        reasons.append(f"loader_module {loader!r} is not on the list of known loaders")
    reasons += [
        f"{key} leads out of the model's folder"
        for key in PATHS
        if isinstance(config.get(key), str) and _leaves(config[key])
    ]
    types = config.get("skops_trusted_types") or []
    if not isinstance(types, list):
        return [*reasons, "skops_trusted_types is not a list"]
    return reasons + [
        f"it wants {kind!r} trusted (skops_trusted_types)"
        for kind in types
        if not _harmless(kind, trusted)
    ]


def _known_loader(loader: object, trusted: tuple[str, ...]) -> bool:
    return isinstance(loader, str) and (
        loader in LOADERS or loader in trusted or loader.startswith(OWN)
    )


def _leaves(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/"))
    return parts.is_absolute() or ".." in parts.parts


def _harmless(kind: object, trusted: tuple[str, ...]) -> bool:
    if not isinstance(kind, str):
        return False
    if kind in PLAIN_TYPES or kind in trusted:
        return True
    return bool(TYPE.fullmatch(kind)) and not TOOLS.intersection(kind.split("."))
