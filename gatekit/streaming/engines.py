"""Which engine a name stands for."""

from __future__ import annotations

from gatekit.errors import UsageProblem
from gatekit.streaming.local import LocalEngine
from gatekit.streaming.task import Engine, OpenRunner

MISSING = {
    "dask": ("dask, which is not installed", "Install it: pip install 'pytest-gatekit[dask]'"),
    "spark": ("pyspark, which is not installed", "Install it: pip install pyspark"),
}


def open_engine(name: str, open_runner: OpenRunner, processes: int) -> Engine:
    """The engine called "local" (or nothing), "dask://HOST:PORT" or "spark://HOST:PORT".

    Raises:
        UsageProblem: what it needs is not installed here.
    """
    kind, _, where = name.partition("://")
    try:
        if kind == "dask":
            from gatekit.streaming.dask import DaskEngine

            return DaskEngine(where)
        if kind == "spark":
            from gatekit.streaming.spark import SparkEngine

            return SparkEngine(where)
    except ModuleNotFoundError as error:
        needs, hint = MISSING[kind]
        raise UsageProblem(f"--engine {name} needs {needs}", hint) from error
    return LocalEngine(open_runner, processes)
