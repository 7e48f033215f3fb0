"""The page in a real browser: it asks for nothing, fits a phone, and axe-core finds nothing serious."""

import pytest

from gatekit.notebook.result import RunResult
from gatekit.report.page import render_page
from tests.browser import PATIENCE_MS, is_too_wide, keep_screenshot, serious

from .test_pictures import ALL

pytestmark = pytest.mark.slow


@pytest.fixture
def report(build):
    drawn = [("latency", "<=", build.p99(pictures=each)) for each in ALL.values()]
    return build.report([("accuracy", ">=", build.accuracy()), *drawn])


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (900, "light")])
def test_the_page_is_whole_on_every_screen(browser, report, width, scheme, tmp_path):
    file, asked = tmp_path / "page.html", []
    file.write_text(render_page(report), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.set_default_timeout(PATIENCE_MS)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    assert not is_too_wide(page)
    assert serious(page) == []
    keep_screenshot(page, f"report-{scheme}-{width}")
    page.close()
    assert asked == [file.as_uri()]


def test_a_notebook_shows_the_page_in_a_frame_whose_links_work(browser, report):
    page = browser.new_page(viewport={"width": 700, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    page.set_content(RunResult(False, report, "it is a folder")._repr_html_())
    assert "Not promotable: it is a folder." in page.locator("body").inner_text()
    frame = page.frame_locator("iframe")
    assert frame.locator("h1").inner_text() == report.sentence
    frame.get_by_role("link", name="latency").click()
    top = frame.locator("section", has_text="latency").bounding_box()["y"]
    assert top < 400  # scrolled to, inside the frame
    keep_screenshot(page, "notebook")
    page.close()
