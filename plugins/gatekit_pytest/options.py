"""The command line, and how it becomes a request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gatekit.plan import RunRequest


# what stands on the command line, and how pytest is to read it
OPTIONS: dict[str, dict[str, Any]] = {
    "--model-uri": {
        "metavar": "URI",
        "help": "run the gates against this model: models:/name/6, models:/name@alias, "
        "models:/name/Staging, runs:/RUN/model, or a model folder",
    },
    "--champion": {
        "metavar": "URI",
        "help": "compare with this model. Default: whoever holds the target",
    },
    "--gates": {
        "metavar": "FILE",
        "help": "the policy. Default: [tool.gatekit] gates, else gates.toml",
    },
    "--gate-set": {
        "metavar": "KEY=VALUE",
        "action": "append",
        "default": [],
        "help": "set one bar for this run, such as accuracy.floor=0.85 (repeatable); "
        "a loosened bar needs an override to promote",
    },
    "--promote-to": {
        "metavar": "TARGET",
        "help": "move this pointer to the model if every gate passes",
    },
    "--service-url": {
        "metavar": "URL",
        "help": "the running service that the staging and load gates ask",
    },
    "--model-env": {
        "choices": ("local", "declared"),
        "help": "what the models run in: this environment, or the one that each declares, built "
        "by uv and kept. Default: local",
    },
    "--current": {
        "metavar": "PATH",
        "help": "the rows that the drift gate compares with the reference: a file, or a folder of "
        "Parquet files, here or at s3://. Default: the policy's, else the holdout",
    },
    "--engine": {
        "metavar": "ENGINE",
        "help": "who predicts and counts the holdout and the samples of the drift gate: local, "
        "dask://HOST:PORT or spark://HOST:PORT; they then stream, whatever their size. Default: "
        "the policy's, else this machine",
    },
    "--report-dir": {
        "metavar": "DIR",
        "type": Path,
        "help": "where the report is written. Default: .gatekit/report in the root",
    },
    "--gate-quiet": {
        "action": "store_true",
        "help": "print the verdict and what failed, and no more",
    },
}


def add_options(parser: pytest.Parser) -> None:
    """Every option of gatekit, in one group."""
    group = parser.getgroup("gatekit", "promotion gates (gatekit)")
    for flag, how in OPTIONS.items():
        group.addoption(flag, **how)


@dataclass(frozen=True)
class GateOptions:
    """What the command line says, before anything is looked up."""

    request: RunRequest
    report_dir: Path
    narrowed: bool

    @classmethod
    def from_config(cls, config: pytest.Config) -> GateOptions:
        """The options of this run."""
        from gatekit.plan import RunRequest

        option = config.option
        request = RunRequest(
            uri=option.model_uri,
            gates=option.gates,
            sets=tuple(option.gate_set),
            champion=option.champion,
            target=option.promote_to,
            service_url=option.service_url,
            model_env=option.model_env or "local",
            current=_place(option.current) if option.current else None,
            engine=option.engine,
        )
        folder = option.report_dir or config.rootpath / ".gatekit" / "report"
        return cls(request, folder, is_narrowed(config))


def _place(given: str) -> str:
    """An address in a store as it stands; a path of this machine from its root."""
    return given if "://" in given else str(Path(given).resolve())


def is_narrowed(config: pytest.Config) -> bool:
    """Whether the user chose a part of the tests, so that what is missing is missing by choice."""
    option = config.option
    chosen = (
        option.keyword,
        option.markexpr,
        option.maxfail,
        getattr(option, "deselect", None),
        getattr(option, "lf", False),
        getattr(option, "stepwise", False),
        config.args_source is pytest.Config.ArgsSource.ARGS,
    )
    return any(chosen)


def refuse_lonely_options(config: pytest.Config) -> None:
    """Options that mean nothing without a model are a mistake, not a wish.

    Raises:
        pytest.UsageError: one of them was given without --model-uri.
    """
    for flag in OPTIONS:
        if config.getoption(flag):
            raise pytest.UsageError(f"{flag} needs --model-uri URI: there is no model to gate")
