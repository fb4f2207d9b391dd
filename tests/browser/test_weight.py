"""What a first view of a page costs: requests, bytes as gzip, and when its largest part is painted."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.helpers.site import LANGUAGES, PAGES, every_page

LIMIT = 150_000
WHOLE = {"claims/"}  # it holds every test of the chapter
# A slow phone connection, as Lighthouse assumes it: 1.6 Mbit/s down, 150 ms there and back.
SLOW = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 0.75e6 / 8,
}
OBSERVE = """
window.shifts = []
window.paint = 0
new PerformanceObserver(list => {
  for (const { value, sources } of list.getEntries())
    shifts.push([value, ...sources.map(({ node }) => node?.outerHTML ?? node?.textContent)])
}).observe({ type: "layout-shift", buffered: true })
new PerformanceObserver(list => {
  paint = list.getEntries().at(-1).startTime
}).observe({ type: "largest-contentful-paint", buffered: true })
"""


@dataclass
class Load:
    """A page that is being opened for the first time, and what that took."""

    view: Page
    requests: list[Request] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.view.context.on("requestfinished", lambda request: self.requests.append(request))

    def finish(self) -> None:
        """Wait until scripts load no more; Playwright's "networkidle" never came, once."""
        seen = 0
        while seen < len(self.requests):
            seen = len(self.requests)
            self.view.wait_for_timeout(500)
        for request in self.requests:
            parts, response = request.sizes(), request.response()
            assert response
            # Chromium does not tell the size of a worker's script
            body = parts["responseBodySize"] or len(gzip.compress(response.body()))
            self.sizes[request.url] = body + parts["responseHeadersSize"]
        told = self.view.evaluate("[paint, shifts, document.documentElement.lang]")
        self.paint, self.shifts, self.language = told
        self.view.context.close()


@pytest.fixture(scope="module", params=LANGUAGES)
def loads(request: pytest.FixtureRequest, browser: Browser, address: str) -> dict[str, Load]:
    """The first view of every page of a language, all at a time: a slow line is mostly waiting."""
    width = {"zh": 390, "en": 1280}[request.param]
    found = {}
    for page in PAGES:
        context = browser.new_context(viewport={"width": width, "height": 844}, locale="fr")
        context.add_init_script(OBSERVE)
        load = found[page] = Load(context.new_page())
        session = context.new_cdp_session(load.view)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", SLOW)
        load.view.goto(f"{address}{LANGUAGES[request.param]}{page}", wait_until="commit")
    for load in found.values():
        load.view.wait_for_load_state("load")
        load.finish()
    return found


@every_page
def test_a_first_view_is_light_and_nothing_in_it_moves(
    loads: dict[str, Load], page: str, record_property: Callable[[str, object], None]
) -> None:
    load = loads[page]
    record_property(
        "printed",
        f"{load.language} {page or 'home':20} {len(load.sizes):2} requests, "
        f"{sum(load.sizes.values()) / 1000:4.0f} KB, largest paint after {load.paint / 1000:.2f} s",
    )
    assert 50_000 < sum(load.sizes.values()) <= (2 if page in WHOLE else 1) * LIMIT, load.sizes
    assert load.shifts == []
