"""Looks at one page in a browser, once, and tells which rules it breaks."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.helpers.projects import PROJECT

AXE = (PROJECT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

# Runs before a page does: what its policy forbids is noted, and the page before has left no choice.
# That a blank goes to the next line, with the rest of a word that had come only in part, nobody sees.
LISTEN = """
if (location.protocol !== "about:") localStorage.clear()
window.violations = []
window.shifts = []
window.paint = 0
window.violated = new Promise(resolve => addEventListener("securitypolicyviolation", resolve))
addEventListener("securitypolicyviolation", event =>
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`))
new PerformanceObserver(list => {
  const blank = ({ node }) => node?.nodeType === Node.TEXT_NODE && !node.textContent.trim()
  for (const { value, sources } of list.getEntries()) {
    if (sources.length && sources.every(blank)) continue
    shifts.push([value, ...sources.map(({ node }) => (node?.outerHTML ?? node?.textContent)?.slice(0, 200))])
  }
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
LIMIT = 130_000
WHOLE = ("claims/",)  # it lists every claim of the chapter
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
# Of all pieces of code in one colour the first is looked at, and of rows that differ only in their words and in
# the values of their attributes: thousands look alike. The other rows are put back for what is looked at next.
ACCESSIBLE = r"""async () => {
  const seen = new Set()
  const away = []
  for (const row of document.querySelectorAll("article :is(li, tr, .admonition)")) {
    const kind = row.outerHTML.replace(/(?<=>)[^<]+/g, "x").replace(/(?<! class)="[^"]*"/g, "")
    if (seen.has(kind) && row.isConnected) {
      const place = document.createComment("")
      row.replaceWith(place)
      away.push([place, row])
    }
    seen.add(kind)
  }
  for (const piece of document.querySelectorAll(".highlight span[class]")) {
    if (seen.has(piece.className)) piece.replaceWith(...piece.childNodes)
    seen.add(piece.className)
  }
  document.body.normalize()
  const { violations } = await axe.run(document, { resultTypes: ["violations"] })
  for (const [place, row] of away) place.replaceWith(row)
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(node => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary}`))
}"""
USED = """async () => {
  const colours = [...document.querySelectorAll("label[for^=__palette]")]
  for (const fold of document.querySelectorAll("article details")) fold.open = true
  document.querySelector("article button.copy")?.click()
  document.querySelector("article .claim-mark")?.click()
  colours.find(label => !label.hidden).click()
  scrollTo(0, 20_000)
  await new Promise(done => setTimeout(done, 100))
  const tells = () => !document.querySelector("article .claim-mark") || document.querySelector(".claim-text:popover-open")
  for (let tries = 0; tries < 400 && !tells(); tries++) await new Promise(done => setTimeout(done, 50))
  return tells() ? violations : [...violations, "a mark tells nothing"]
}"""
# A page is drawn from the part that has come. Here the end of it is taken back, node by node, and then
# put where it was.
TAKE_BACK = r"""() => {
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
    // a word that has come only in part, or a word whose tick has not come, may still go to the next line
    const word = (node.closest ? node : node.parentNode).closest(".joined")
    const before = (node.previousSibling || node.parentNode !== word ? node : word).previousSibling
    const glued = before && (node === word || (node.nodeType == Node.TEXT_NODE && /^\S/.test(node.textContent)))
    const told = node.nodeType == Node.TEXT_NODE ? text && seen.has(node.parentNode) : seen.has(node)
    moving.delete(node)
    taken.push([node, node.parentNode, node.nextSibling])
    node.remove()
    if (!told) continue
    for (const [element, was] of moving) {
      const is = element.getBoundingClientRect()
      if (word?.contains(element) || element === word || (glued && before.contains(element))) continue
      if (!is.width || !is.height || Math.abs(is.x - was.x) + Math.abs(is.y - was.y) < 1) continue
      moving.delete(element)
      moved.push([element.outerHTML.slice(0, 200), was.x, was.y, "without",
        (node.outerHTML ?? text).slice(0, 200), is.x, is.y])
    }
  }
  for (const [node, parent, next] of taken.reverse()) parent.insertBefore(node, next)
  return moved
}"""
Address = tuple[str, str]  # of a site, and of a page from there
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


class Visit:
    """A page that is being opened over a slow line, and what goes on in its tab."""

    def __init__(self, view: Page, root: str, page: str) -> None:
        self.view, self.root, self.page = view, root, page
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.finished: list[Request] = []
        self.listeners: dict[Any, Any] = {
            "console": self._said,
            "pageerror": lambda error: self.errors.append(str(error)),
            "request": lambda request: self.requests.append(request.url),
            "requestfailed": lambda request: self.errors.append(
                f"{request.url}: {request.failure}"
            ),
            "requestfinished": lambda request: self.finished.append(request),
        }
        view.goto("about:blank")
        for event, listener in self.listeners.items():
            view.on(event, listener)
        self.line = view.context.new_cdp_session(view)
        self.line.send("Network.enable")
        self.line.send("Network.setCacheDisabled", {"cacheDisabled": True})
        self.line.send("Network.emulateNetworkConditions", SLOW)
        view.goto(f"{root}{page}", wait_until="commit")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def arrive(self) -> dict[str, object]:
        """Wait for the whole page; tell what is wrong with its first view, and under `took` what it cost."""
        self.view.wait_for_load_state("load")
        seen = 0
        while seen < len(self.finished):  # scripts load more; "networkidle" never came, once
            seen = len(self.finished)
            self.view.wait_for_timeout(250)
        sizes = {}
        for request in self.finished:
            parts, response = request.sizes(), request.response()
            assert response
            # Chromium does not tell the size of a worker's script
            body = parts["responseBodySize"] or len(gzip.compress(response.body()))
            sizes[request.url] = body + parts["responseHeadersSize"]
        self.line.send("Network.setCacheDisabled", {"cacheDisabled": False})
        self.line.send("Network.emulateNetworkConditions", FAST)
        self.line.detach()
        paint, shifts = self.view.evaluate("[paint / 1000, shifts]")
        weight = sum(sizes.values())
        light = 50_000 < weight <= LIMIT * (1.2 if self.page.endswith(WHOLE) else 1)
        return {
            "took": f"{self.page or 'home':24} {len(sizes):2} requests, {weight / 1000:4.0f} KB, "
            f"largest paint after {paint:.2f} s",
            "weight": {} if light else sizes,
            "shifts": shifts,
        }

    def leave(self) -> dict[str, object]:
        """Listen no longer; tell which errors there were, and which requests to somewhere else."""
        for event, listener in self.listeners.items():
            self.view.remove_listener(event, listener)
        local = (self.root, "data:", "blob:")
        strangers = [url for url in self.requests if not url.startswith(local)]
        return {"errors": self.errors, "strangers": strangers}


class Screen:
    """A phone or a desk: while a page is looked at in one tab, the next one is opened in another."""

    def __init__(
        self, tabs: list[Page], scheme: str, other_width: int, visits: list[Address]
    ) -> None:
        self.free, self.scheme, self.other_width = tabs, scheme, other_width
        self.order = visits
        self.open: dict[Address, Visit] = {}

    def _visit(self, address: Address) -> Visit:
        if address not in self.open:
            if not self.free:  # opened ahead, and not asked for
                _, visit = self.open.popitem()
                visit.leave()
                self.free.append(visit.view)
            self.open[address] = Visit(self.free.pop(), *address)
        return self.open[address]

    def look(self, root: str, page: str) -> dict[str, object]:
        """Open a page and hold it against all rules.

        Args:
            root: The address of the site.
            page: The address of the page from there.

        Returns:
            What is wrong, by the name of the rule: a first view over a slow line that is too heavy or
            shifts, a page wider than the screen, a title or a style or a picture that is not there,
            another scheme, a policy that is missing, what moves while the page arrives, what axe-core
            finds, what the policy forbids while a reader opens folds, copies, takes other colours and
            scrolls, an error, a request to somewhere else. What the first view cost is under `took`.
        """
        visit = self._visit((root, page))
        view, problems = visit.view, visit.arrive()
        del self.open[root, page]
        after = self.order.index((root, page)) + 1
        for following in self.order[after : after + 1]:
            self._visit(following)
        size = view.viewport_size
        assert size
        problems |= view.evaluate(LOOKS, [size["width"], self.scheme, INK])
        problems["moved"] = view.evaluate(TAKE_BACK)
        problems["axe"] = accessible(view)
        view.set_viewport_size({"width": self.other_width, "height": size["height"]})
        for rule, wrong in view.evaluate(LOOKS, [self.other_width, self.scheme, INK]).items():
            problems[f"{rule}, {self.other_width} wide"] = wrong
        problems[f"moved, {self.other_width} wide"] = view.evaluate(TAKE_BACK)
        view.set_viewport_size(size)
        problems["violations"] = view.evaluate(USED)
        problems |= visit.leave()
        self.free.append(view)
        return {rule: wrong for rule, wrong in problems.items() if wrong}


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
def screen(
    browser: Browser, width: int, other_width: int, dark: bool, visits: list[Address]
) -> Iterator[Screen]:
    """Set up a desk or a phone, whose language is none of the site's.

    Args:
        browser: A browser.
        width: How wide it is.
        other_width: How wide it is when each page is looked at again.
        dark: Whether its system has dark colours.
        visits: The pages in the order in which they are looked at.

    Yields:
        The screen.
    """
    options = {
        "viewport": {"width": width, "height": 844},
        "color_scheme": "dark" if dark else "light",
        "has_touch": width < 600,
        "locale": "fr",
        "permissions": ["clipboard-read", "clipboard-write"],
    }
    with tab(browser, **options) as one, tab(browser, **options) as two:
        for view in (one, two):
            view.add_init_script(LISTEN)
        yield Screen([one, two], "slate" if dark else "default", other_width, visits)
