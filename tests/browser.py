"""A real browser for the pages: Chromium, with nothing but loopback and files to talk to."""

import os
import shutil

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
PATIENCE_MS = 300_000  # a busy machine is slow, and proves nothing by it


@pytest.fixture(scope="module")
def browser():
    """One for a module: while it is open, no other event loop may run in this thread."""
    if CHROMIUM is None:
        if os.environ.get("GATEKIT_REQUIRE_ALL") == "1":
            pytest.fail("chromium is not installed, and GATEKIT_REQUIRE_ALL=1")
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", exc_type=ImportError)
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS, timeout=PATIENCE_MS
        )
        yield opened
        opened.close()


def serious(page):
    """What axe-core finds serious or worse on an open page, by its rules' names."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [each["id"] for each in found if each["impact"] in ("serious", "critical")]


def is_too_wide(page):
    """Whether a reader would have to scroll sideways."""
    widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    inner, outer = page.evaluate(widths)
    return inner > outer


def keep_screenshot(page, name):
    """For eyes: where GATEKIT_SCREENSHOTS names a folder."""
    if folder := os.environ.get("GATEKIT_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
