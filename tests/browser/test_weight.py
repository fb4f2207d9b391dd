"""What a first view of a page costs: requests, bytes as gzip, and when its largest part is painted."""

import gzip
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Request

from tests.site.test_html import LANGUAGES, PAGES

LIMIT = 150_000
WHOLE = {"chapter/", "claims/"}  # they hold all of the chapter, or every test of it
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
# A page is drawn from the part that has come. Here the end of it is taken back, node by node.
TAKE_BACK = """() => {
  const seen = new Map()
  for (const element of document.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect()
    if (box.width && box.height && box.bottom > 0 && box.top < innerHeight && box.right > 0
        && box.left < innerWidth && !element.closest("button[hidden], math *")
        && element.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
      seen.set(element, box)
  }
  const moving = new Map(seen)
  const moved = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT)
  const nodes = []
  while (walker.nextNode()) nodes.push(walker.currentNode)
  for (const node of nodes.reverse()) {
    const text = node.textContent.trim()
    const told = node.nodeType == Node.TEXT_NODE ? text && seen.has(node.parentNode) : seen.has(node)
    moving.delete(node)
    node.remove()
    if (!told) continue
    for (const [element, was] of moving) {
      const is = element.getBoundingClientRect()
      if (!is.width || !is.height || Math.abs(is.x - was.x) + Math.abs(is.y - was.y) < 1) continue
      moving.delete(element)
      moved.push([element.outerHTML, was.x, was.y, "without", node.outerHTML ?? text, is.x, is.y])
    }
  }
  return moved
}"""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page or "home")
def test_a_first_view_is_light_and_nothing_in_it_moves(
    browser: Browser,
    address: str,
    language: str,
    page: str,
    record_property: Callable[[str, object], None],
) -> None:
    width = {"zh": 390, "en": 1280}[language]
    context = browser.new_context(viewport={"width": width, "height": 844}, locale="fr")
    context.add_init_script(OBSERVE)
    view = context.new_page()
    session = context.new_cdp_session(view)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW)
    requests: list[Request] = []
    context.on("requestfinished", lambda request: requests.append(request))
    view.goto(f"{address}{LANGUAGES[language]}{page}")
    seen = 0
    while seen < len(requests):  # until scripts load no more; "networkidle" never came, once
        seen = len(requests)
        view.wait_for_timeout(1000)
    sizes = {}
    for request in requests:
        parts = request.sizes()
        response = request.response()
        assert response
        # Chromium does not tell the size of a worker's script
        body = parts["responseBodySize"] or len(gzip.compress(response.body()))
        sizes[request.url] = body + parts["responseHeadersSize"]
    paint, shifts = view.evaluate("[paint, shifts]")
    context.close()
    record_property(
        "printed",
        f"{language} {page or 'home':20} {len(requests):2} requests, "
        f"{sum(sizes.values()) / 1000:4.0f} KB, largest paint after {paint / 1000:.2f} s",
    )
    assert 50_000 < sum(sizes.values()) <= (2 if page in WHOLE else 1) * LIMIT, sizes
    assert shifts == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page or "home")
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_has_come_of_a_page_stays_where_it_is_when_the_rest_comes(
    browser: Browser, address: str, language: str, width: int, page: str
) -> None:
    view = browser.new_page(viewport={"width": width, "height": 844}, locale="fr")
    view.goto(f"{address}{LANGUAGES[language]}{page}")
    moved = view.evaluate(TAKE_BACK)
    view.close()
    assert moved == []
