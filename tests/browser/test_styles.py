"""Pages look as they would with all the rules of the theme."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

from tests.helpers.looking import tab

LOOK = """() => {
  for (const fold of document.querySelectorAll("article details")) fold.open = true
  document.querySelector("label[for=__search]")?.click()
  return [...document.body.querySelectorAll("*")].map(element => {
    const style = getComputedStyle(element)
    const told = ["display", "position", "color", "backgroundColor", "fontSize", "fontWeight", "margin", "padding",
      "borderTopWidth", "width", "height", "visibility", "overflowX", "maskImage"].map(name => style[name])
    return [element.localName, element.className?.baseVal ?? element.className, ...told].join(" ")
  })
}"""


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("page", ["en/blocks/", "parameters/", "en/errors/", "claims/", ""])
def test_no_rule_that_a_page_needs_was_cut(
    browser: Browser, address: str, page: str, width: int
) -> None:
    spec = find_spec("material")
    assert spec
    assert spec.origin
    theme = Path(spec.origin).parent / "templates" / "assets" / "stylesheets"

    def whole(route: Route) -> None:
        route.fulfill(path=theme / Path(route.request.url.split("?")[0]).name)

    looks = []
    for handler in (None, whole):
        with tab(
            browser, viewport={"width": width, "height": 900}, reduced_motion="reduce"
        ) as view:
            if handler:
                view.route("**/assets/stylesheets/*.css", handler)
            view.goto(f"{address}{page}")
            view.wait_for_timeout(300)
            looks.append(view.evaluate(LOOK))
    cut, all_rules = looks
    assert len(cut) == len(all_rules) > 100
    assert [pair for pair in zip(cut, all_rules, strict=True) if pair[0] != pair[1]][:5] == []
