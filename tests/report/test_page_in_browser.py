"""The page in a real browser: it asks for nothing, fits a phone, and axe-core finds nothing serious."""

import pytest

from gatekit.report.page import render_page

from ..browser import PATIENCE_MS, chromium  # noqa: TID252 - tests are no installed package
from .test_pictures import ALL


@pytest.mark.slow
def test_the_page_is_whole_on_every_screen(build, tmp_path):
    from axe_playwright_python.sync_playwright import Axe

    drawn = [("latency", "<=", build.p99(pictures=each)) for each in ALL.values()]
    report = build.report([("accuracy", ">=", build.accuracy()), *drawn])
    file = tmp_path / "page.html"
    file.write_text(render_page(report), encoding="utf-8")
    asked = []
    with chromium() as browser:
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
    assert asked == [file.as_uri()] * 2
