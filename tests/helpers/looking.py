"""Looks at one page in a browser, once, and tells which rules it breaks."""

from playwright.sync_api import Browser, BrowserContext, Page

from tests.helpers.projects import PROJECT

AXE = (PROJECT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

# Runs before a page does: what its policy forbids is noted, and the page before has left no choice.
LISTEN = """
localStorage.clear()
window.violations = []
window.violated = new Promise(resolve => addEventListener("securitypolicyviolation", resolve))
addEventListener("securitypolicyviolation", event =>
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`))
"""
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
  scrollTo(0, 0)
  document.querySelector(".md-dialog").remove()  // it says "copied", for two seconds
}"""
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
      moved.push([element.outerHTML.slice(0, 200), was.x, was.y, "without",
        (node.outerHTML ?? text).slice(0, 200), is.x, is.y])
    }
  }
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


def look(view: Page, root: str, page: str, scheme: str, *more: str) -> dict[str, object]:
    """Open a page and hold it against the rules.

    Args:
        view: A tab that has opened nothing yet.
        root: The address of the site.
        page: The address of the page from there.
        scheme: The theme's name of the colours that it should have.
        more: `axe` for the rules of axe-core, `used` to do what a reader does: open what is folded,
            copy, take other colours, scroll.

    Returns:
        What is wrong, by the name of the rule: an error, a request to somewhere else, a page wider
        than the screen, a title or a style or a picture that is not there, another scheme, a policy
        that is missing or not kept, what axe-core finds, and what moves while the page arrives.
    """
    errors: list[str] = []
    requests: list[str] = []
    view.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    view.on("pageerror", lambda error: errors.append(str(error)))
    view.on("requestfailed", lambda request: errors.append(f"{request.url}: {request.failure}"))
    view.on("request", lambda request: requests.append(request.url))
    view.goto(f"{root}{page}")
    assert view.viewport_size
    problems: dict[str, object] = view.evaluate(LOOKS, [view.viewport_size["width"], scheme, INK])
    if "axe" in more:
        problems["axe"] = accessible(view)
    if "used" in more:
        view.evaluate(USED)
    problems["violations"] = view.evaluate("violations")
    problems["moved"] = view.evaluate(TAKE_BACK)
    problems["errors"] = errors
    local = (root, "data:", "blob:")
    problems["strangers"] = [url for url in requests if not url.startswith(local)]
    return {name: wrong for name, wrong in problems.items() if wrong}


def screen(browser: Browser, width: int, dark: bool = False) -> BrowserContext:
    """A desk, or a phone, whose language is none of the site's."""
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if dark else "light",
        has_touch=width < 600,
        locale="fr",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.add_init_script(LISTEN)
    return context
