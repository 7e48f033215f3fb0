"""Entry point: options, marker, fixtures. Everything else is registered only with --model-uri."""

from __future__ import annotations

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
    from gatekit_pytest.session import register

    register(config)
