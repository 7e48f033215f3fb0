"""Entry point: options, marker, fixtures. Everything else is registered only with --model-uri."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from gatekit_pytest.fixtures import (
    candidate,
    champion,
    current,
    gate,
    holdout,
    reference,
    service,
)
from gatekit_pytest.options import add_options, refuse_lonely_options

if TYPE_CHECKING:
    from gatekit.runner.forkserver import ForkServer

__all__ = ["candidate", "champion", "current", "gate", "holdout", "reference", "service"]


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "gate(name): a promotion gate; its verdicts go to the ledger"
    )
    if config.getoption("model_uri") is None:
        refuse_lonely_options(config)
        return
    from gatekit.imports import importing_much

    server = _fork_server(config)
    try:
        with importing_much():
            from gatekit_pytest.session import register

            register(config, server)
            gc.freeze()  # nor does the collector look at it while the tests run
    except BaseException:
        if server is not None:
            server.close()
        raise


def _fork_server(config: pytest.Config) -> ForkServer | None:
    """Started before all else, to import while this process does; None where no model will run."""
    from gatekit.runner.forkserver import ForkServer

    option = config.option
    spread = getattr(option, "numprocesses", None) or hasattr(config, "workerinput")  # by xdist
    elsewhere = spread or option.model_env == "declared"
    return None if elsewhere or option.collectonly else ForkServer.begin()
