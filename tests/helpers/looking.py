"""Looks at one page in a browser, once, and tells which rules it breaks."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, CDPSession, ConsoleMessage, Error, Page, Request

from tests.helpers.projects import PROJECT

AXE = (PROJECT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

# Runs before a page does: what its policy forbids is noted, and the page before has left no choice.
LISTEN = """
if (location.protocol !== "about:") localStorage.clear()
window.violations = []
window.shifts = []
window.paint = 0
window.violated = new Promise(resolve => addEventListener("securitypolicyviolation", resolve))
addEventListener("securitypolicyviolation", event =>
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`))
new PerformanceObserver(list => {
  for (const { value, sources } of list.getEntries())
    shifts.push([value, ...sources.map(({ node }) => (node?.outerHTML ?? node?.textContent)?.slice(0, 200))])
}).observe({ type: "layout-shift", buffered: true })
new PerformanceObserver(list => {
  paint = list.getEntries().at(-1).startTime
}).observe({ type: "largest-contentful-paint", buffered: true })
"""
# A slow phone connection, as Lighthouse assumes it: 1.6 Mbit/s down, 150 ms there and back.
SLOW = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 0.75e6 / 8,
}
FAST = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
LIMIT = 150_000
WHOLE = ("claims/",)  # it holds every test of the chapter
LOOKS = """([width, scheme, header]) => {
  const problems = {}
  const wide = document.documentElement.scrollWidth
  if (wide > width) problems.sideways = wide
  if (!document.querySelector("article h1").checkVisibility()) problems.title = "not visible"
  const colour = getComputedStyle(document.querySelector(".md-header")).backgroundColor
  if (colour !== header) problems.styles = colour
  const broken = [...document.images].filter(image => !image.complete || !image.naturalWidth)
  if (broken.length) problems.pictures = broken.map(image => image.outerHTML.slice(0, 200))
  if (document.body.dataset.mdColorScheme !== scheme) problems.scheme = document.body.outerHTML.slice(0, 200)
  const policy = document.querySelector("meta[http-equiv=Content-Security-Policy]")?.content ?? ""
  if (!policy.includes("default-src 'none'") || policy.includes("unsafe")) problems.policy = policy
  return problems
}"""
# Of all pieces of code in one colour the first is looked at: thousands look alike.
ACCESSIBLE = """async () => {
  const seen = new Set()
  for (const piece of document.querySelectorAll(".highlight span[class]")) {
    if (seen.has(piece.className)) piece.replaceWith(...piece.childNodes)
    seen.add(piece.className)
  }
  document.body.normalize()
  const { violations } = await axe.run(document, { resultTypes: ["violations"] })
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(node => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary}`))
}"""
USED = """async () => {
  const colours = [...document.querySelectorAll("label[for^=__palette]")]
  for (const fold of document.querySelectorAll("article details")) fold.open = true
  document.querySelector("article button.copy")?.click()
  colours.find(label => !label.hidden).click()
  scrollTo(0, 20_000)
  await new Promise(done => setTimeout(done, 100))
  return violations
}"""
# A page is drawn from the part that has come. Here the end of it is taken back, node by node, and then
# put where it was.
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
  while (walker.nextNode())
    if (!walker.currentNode.parentNode.matches("style, script")) nodes.push(walker.currentNode)
  const taken = []
  for (const node of nodes.reverse()) {
    const text = node.textContent.trim()
    const told = node.nodeType == Node.TEXT_NODE ? text && seen.has(node.parentNode) : seen.has(node)
    moving.delete(node)
    taken.push([node, node.parentNode, node.nextSibling])
    node.remove()
    if (!told) continue
    for (const [element, was] of moving) {
      const is = element.getBoundingClientRect()
      if (!is.width || !is.height || Math.abs(is.x - was.x) + Math.abs(is.y - was.y) < 1) continue
      moving.delete(element)
      moved.push([element.outerHTML.slice(0, 200), was.x, was.y, "without",
        (node.outerHTML ?? text).slice(0, 200), is.x, is.y])
    }
  }
  for (const [node, parent, next] of taken.reverse()) parent.insertBefore(node, next)
  return moved
}"""
INK = "rgb(35, 50, 61)"  # the header's


def accessible(view: Page) -> list[str]:
    """What axe-core finds on the page that is open."""
    view.evaluate(AXE)
    found: list[str] = view.evaluate(ACCESSIBLE)
    return found


def focused(view: Page) -> str:
    """The name of what has the focus."""
    text: str = view.evaluate(
        "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
    )
    return text.strip()


def tab_to(view: Page, name: str, limit: int = 60) -> None:
    """Press Tab until what is called so has the focus."""
    seen = []
    for _ in range(limit):
        view.keyboard.press("Tab")
        seen.append(focused(view))
        if seen[-1] == name:
            return
    raise AssertionError(f"the Tab key does not reach {name!r}: {seen}")


class Watch:
    """Notes what goes on in a tab while one page is open."""

    def __init__(self, view: Page) -> None:
        self.view = view
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.finished: list[Request] = []
        self.listeners: dict[Any, Any] = {
            "console": self._said,
            "pageerror": self._failed,
            "request": lambda request: self.requests.append(request.url),
            "requestfailed": self._broke_off,
            "requestfinished": lambda request: self.finished.append(request),
        }

    def __enter__(self) -> "Watch":
        for event, listener in self.listeners.items():
            self.view.on(event, listener)
        return self

    def __exit__(self, *_: object) -> None:
        for event, listener in self.listeners.items():
            self.view.remove_listener(event, listener)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _failed(self, error: Error) -> None:
        self.errors.append(str(error))

    def _broke_off(self, request: Request) -> None:
        self.errors.append(f"{request.url}: {request.failure}")

    def weight(self) -> dict[str, int]:
        """The bytes of each request, when scripts load no more; "networkidle" never came, once."""
        seen = 0
        while seen < len(self.finished):
            seen = len(self.finished)
            self.view.wait_for_timeout(400)
        sizes = {}
        for request in self.finished:
            parts, response = request.sizes(), request.response()
            assert response
            # Chromium does not tell the size of a worker's script
            body = parts["responseBodySize"] or len(gzip.compress(response.body()))
            sizes[request.url] = body + parts["responseHeadersSize"]
        return sizes


def look(view: Page, root: str, page: str, scheme: str, other_width: int) -> dict[str, object]:
    """Open a page and hold it against all rules.

    Args:
        view: A tab.
        root: The address of the site.
        page: The address of the page from there.
        scheme: The theme's name of the colours that it should have.
        other_width: How wide the screen is when the page is looked at again.

    Returns:
        What is wrong, by the name of the rule: a first view over a slow line that is too heavy or
        shifts, a page wider than the screen, a title or a style or a picture that is not there,
        another scheme, a policy that is missing, what moves while the page arrives, what axe-core
        finds, what the policy forbids while a reader opens folds, copies, takes other colours and
        scrolls, an error, a request to somewhere else. What the first view took is under `took`.
    """
    assert view.viewport_size
    width, height = view.viewport_size["width"], view.viewport_size["height"]
    problems: dict[str, object] = {}
    view.goto("about:blank")
    with Watch(view) as watch:
        session = _slow(view)
        view.goto(f"{root}{page}")
        sizes = watch.weight()
        problems["shifts"] = view.evaluate("shifts")
        paint = view.evaluate("paint") / 1000
        session.send("Network.setCacheDisabled", {"cacheDisabled": False})
        session.send("Network.emulateNetworkConditions", FAST)
        session.detach()
        problems |= view.evaluate(LOOKS, [width, scheme, INK])
        problems["moved"] = view.evaluate(TAKE_BACK)
        problems["axe"] = accessible(view)
        view.set_viewport_size({"width": other_width, "height": height})
        for name, wrong in view.evaluate(LOOKS, [other_width, scheme, INK]).items():
            problems[f"{name}, {other_width} wide"] = wrong
        problems[f"moved, {other_width} wide"] = view.evaluate(TAKE_BACK)
        view.set_viewport_size({"width": width, "height": height})
        problems["violations"] = view.evaluate(USED)
    if not 50_000 < sum(sizes.values()) <= LIMIT * (2 if page.endswith(WHOLE) else 1):
        problems["weight"] = sizes
    problems["took"] = (
        f"{page or 'home':24} {len(sizes):2} requests, {sum(sizes.values()) / 1000:4.0f} KB, "
        f"largest paint after {paint:.2f} s"
    )
    problems["errors"] = watch.errors
    local = (root, "data:", "blob:")
    problems["strangers"] = [url for url in watch.requests if not url.startswith(local)]
    return {name: wrong for name, wrong in problems.items() if wrong}


def _slow(view: Page) -> CDPSession:
    session = view.context.new_cdp_session(view)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.send("Network.emulateNetworkConditions", SLOW)
    return session


@contextmanager
def tab(browser: Browser, **options: Any) -> Iterator[Page]:
    """Open one tab for many tests: a new one each takes as long as a page."""
    with browser.new_context(**options) as context:
        yield context.new_page()


def leave(view: Page) -> None:
    """Let the next test find a tab that remembers nothing."""
    view.unroute_all()
    view.emulate_media(media="null", color_scheme="null")
    view.evaluate("localStorage.clear()")
    view.goto("about:blank")  # or an address with another # would not be loaded


@contextmanager
def screen(browser: Browser, width: int, dark: bool = False) -> Iterator[Page]:
    """Open the tab of a desk, or of a phone, whose language is none of the site's."""
    options = {
        "viewport": {"width": width, "height": 844},
        "color_scheme": "dark" if dark else "light",
        "has_touch": width < 600,
        "locale": "fr",
        "permissions": ["clipboard-read", "clipboard-write"],
    }
    with tab(browser, **options) as view:
        view.add_init_script(LISTEN)
        yield view
