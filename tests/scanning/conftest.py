"""benign.py and hostile.py are no packages: pytest imports tests by path."""

import importlib.util
from pathlib import Path

import pytest


def _load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def benign():
    return _load("benign")


@pytest.fixture(scope="session")
def hostile():
    return _load("hostile")
