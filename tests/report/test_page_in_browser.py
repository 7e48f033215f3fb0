"""The page in a real browser: it asks for nothing, fits a phone, and axe-core finds nothing serious."""

import os
import shutil

import pytest

from gatekit.report.page import render_page

from .test_pictures import ALL

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


@pytest.mark.slow
def test_the_page_is_whole_on_every_screen(build, tmp_path):
    if CHROMIUM is None:
        if os.environ.get("GATEKIT_REQUIRE_ALL") == "1":
            pytest.fail("chromium is not installed, and GATEKIT_REQUIRE_ALL=1")
        pytest.skip("chromium is not installed: apt-get install chromium")
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    drawn = [("latency", "<=", build.p99(pictures=each)) for each in ALL.values()]
    report = build.report([("accuracy", ">=", build.accuracy()), *drawn])
    file = tmp_path / "page.html"
    file.write_text(render_page(report), encoding="utf-8")
    asked = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for width, scheme in ((360, "dark"), (900, "light")):
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            page.set_default_timeout(PATIENCE_MS)
            page.on("request", lambda request: asked.append(request.url))
            page.goto(file.as_uri())
            inner, outer = page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert inner <= outer, f"wider than {width} px"
            found = Axe().run(page).response["violations"]
            serious = [f["id"] for f in found if f["impact"] in ("serious", "critical")]
            assert serious == [], f"at {width} px, {scheme}"
            page.close()
        browser.close()
    assert asked == [file.as_uri()] * 2
