"""A real browser for tests: Chromium without a screen, and nothing it does by itself."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager

import pytest

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PATIENCE_MS = 300_000  # a busy machine is slow, and proves nothing by it


@contextmanager
def chromium():
    """Chromium, by playwright; where it is not there, that is said."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        if os.environ.get("GATEKIT_REQUIRE_ALL") == "1":
            pytest.fail("chromium is not installed, and GATEKIT_REQUIRE_ALL=1")
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=found, args=list(ARGUMENTS), timeout=PATIENCE_MS
        )
        yield browser
        browser.close()
