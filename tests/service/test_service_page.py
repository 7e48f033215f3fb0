"""The page at /, in a real browser: what it says, that it predicts, on which screens."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gatekit_service.app import create_app
from gatekit_service.page_routes import FILES, FOLDER, Beside
from tests.browser import PATIENCE_MS, is_too_wide, keep_screenshot, serious

from .conftest import World, served, wait_for


@pytest.fixture(scope="module")
def page_client(tmp_path_factory):
    """A service with one swap behind it, with a proof, and a journal that names production."""
    world = World(tmp_path_factory.mktemp("page"))
    first, second = world.register(t=0.0), world.register(t=0.5)
    world.gate(second, created="2026-11-20T08:00:00+00:00")
    world.point(first)
    with served(create_app(world.settings(), world.opener)) as client:
        wait_for(lambda: client.health()["version"] == first, 60)
        world.enter(second, reason="the first")
        wait_for(lambda: client.health()["version"] == second, 60)
        wait_for(lambda: client.health()["journal"].startswith("agrees"), 60)
        client.world = world
        yield client


def test_the_page_and_its_files_come_with_a_policy_that_forbids_the_rest(page_client):
    import http.client
    from urllib.parse import urlsplit

    connection = http.client.HTTPConnection(urlsplit(page_client.url).netloc)
    for path in ("/", *(f"/page/{name}" for name in FILES), "/page/state"):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    connection.close()


def test_the_page_asks_nothing_of_elsewhere_and_writes_no_markup():
    text = "".join((FOLDER / name).read_text() for name in ("page.html", *FILES))
    assert text.isascii()
    for forbidden in ("http://", "https://", "innerHTML", "insertAdjacentHTML", "eval(", "style="):
        assert forbidden not in text


def test_the_state_names_columns_and_holders(page_client):
    state = json.loads(page_client.get("/page/state")[1])
    assert [column["name"] for column in state["columns"]] == ["x0", "x1", "x2", "x3"]
    (pointer,) = state["health"]["pointers"]
    assert (pointer["pointer"], pointer["version"], pointer["by"]) == ("staging", "2", "ana")
    assert state["beside"] is None
    asked = json.loads(page_client.get("/signature")[1])
    assert asked["inputs"] == state["columns"]


class Production(BaseHTTPRequestHandler):
    def do_GET(self):
        said = {"stage": "production", "model": "churn-model", "version": "1", "status": "ok"}
        said |= {"since": "2026-11-01T08:00:00+00:00", "proof": {"outcome": "PASSED"}}
        raw = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


@pytest.fixture
def production():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Production)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_another_service_stands_beside_and_is_not_asked_each_time(production):
    beside = Beside(production)
    said = beside.said()
    assert said["health"]["version"] == "1"
    assert beside.said() is said
    assert Beside("").said() is None
    gone = Beside("http://127.0.0.1:9").said()
    assert "http://127.0.0.1:9 does not answer" in gone["error"]


@pytest.fixture
def open_page(browser, page_client):
    """Opens the page as told; what the console complains of fails the test."""
    contexts, complaints = [], []

    def visit(client=page_client, **how):
        context = browser.new_context(**how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda r: (
                complaints.append(r.url)
                if client.url not in r.url and "data:" not in r.url
                else None
            ),
        )
        page.goto(client.url + "/")
        page.get_by_role("heading", name="churn-model version 2").wait_for()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not complaints


def test_a_person_reads_what_serves_and_predicts(open_page):
    page = open_page()
    assert page.title() == "churn-model 2 - staging"
    assert page.locator("#status").inner_text() == "ok"
    proof = page.locator("#proof").inner_text()
    assert "PASSED" in proof
    assert "agrees (#1)" in proof
    assert "staging (here)" in page.locator("#beside").inner_text()
    assert "version 1 to version 2" in page.locator("#swaps").inner_text()
    for number, value in enumerate(("0.75", "0", "0", "0")):
        page.locator(f"#field-{number}").fill(value)
    page.get_by_role("button", name="Predict").click()
    answer = page.locator("#answer")
    answer.filter(has_text="1  (version 2)").wait_for()
    page.locator("#field-0").fill("0.25")
    page.keyboard.press("Enter")
    answer.filter(has_text="0  (version 2)").wait_for()
    page.locator("#field-0").fill("much")
    page.keyboard.press("Enter")
    answer.filter(has_text="column 'x0', row 0").wait_for()
    assert "much" not in answer.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_is_readable_on_every_screen(open_page, scheme, width, tmp_path):
    page = open_page(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    assert not is_too_wide(page)
    assert serious(page) == []
    keep_screenshot(page, f"page-{scheme}-{width}")


def test_what_a_model_says_of_itself_is_text_and_no_markup(open_page, page_client):
    state = page_client.world
    page = open_page()
    page.route("**/page/state", lambda route: route.fulfill(json=hostile()))
    page.locator("#error").wait_for()
    assert page.locator("#error").inner_text() == "<img src=x onerror=alert(1)>"
    assert page.locator("main img, header img").count() == 0
    assert state


def hostile():
    word = "<img src=x onerror=alert(1)>"
    health = {"status": "degraded", "stage": word, "model": word, "version": word}
    health |= {"last_error": word, "digest": word, "engine": word, "since": word, "journal": word}
    health |= {"proof": {"none": word}, "swaps": [{"at": word, "from": word, "to": word}]}
    column = {"name": word, "type": word, "required": True}
    return {"health": health, "columns": [column], "beside": {"error": word}, "release": word}


def test_production_stands_beside_staging(open_page, page_client):
    live = json.loads(page_client.get("/page/state")[1])
    told = {"stage": "production", "version": "1", "status": "ok", "since": "2026-11-01T08:00:00Z"}
    live["beside"] = {"health": {**told, "proof": {"outcome": "PASSED"}}}
    page = open_page()
    page.route("**/page/state", lambda route: route.fulfill(json=live))
    row = page.get_by_role("row", name="production")
    row.wait_for()
    assert "version 1" in row.inner_text()
    live["beside"] = None
    live["health"]["pointers"] = [
        {**each, "pointer": "canary"} for each in live["health"]["pointers"]
    ]
    row = page.get_by_role("row", name="canary")
    row.wait_for()
    assert "journal: promote by ana" in row.inner_text()


def test_a_token_is_asked_for_when_the_service_wants_one(open_page):
    page, sent = open_page(), []

    def refuse(route):
        sent.append(route.request.headers.get("authorization"))
        if sent[-1] == "Bearer s3cret":
            route.fulfill(json={"predictions": [1], "version": "2"})
        else:
            route.fulfill(status=401, json={"error": "no token"})

    page.route("**/predict", refuse)
    assert page.locator("#token").is_hidden()
    page.get_by_role("button", name="Predict").click()
    page.locator("#token").fill("s3cret")
    page.get_by_role("button", name="Predict").click()
    page.locator("#answer").filter(has_text="1  (version 2)").wait_for()
    assert sent == [None, "Bearer s3cret"]
