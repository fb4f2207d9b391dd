"""Every Chinese page on a phone, in the dark; test_desk.py has the English ones on a desk.

Colours and widths change no element, and a language changes no style. Both widths are tried on each page.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.helpers.looking import Screen, screen, tab
from tests.helpers.site import LANGUAGES, PAGES, SHOWING, every_language, every_page

HERE = LANGUAGES["zh"]


@pytest.fixture(scope="module")
def phone(browser: Browser, address: str, root: str) -> Iterator[Screen]:
    visits = [*((address, f"{HERE}{page}") for page in PAGES), (root, f"{HERE}404.html")]
    with screen(browser, 360, other_width=1280, dark=True, visits=visits) as phone:
        yield phone


@every_page
def test_a_page_keeps_all_rules(
    phone: Screen, address: str, page: str, record_property: Callable[[str, object], None]
) -> None:
    problems = phone.look(address, f"{HERE}{page}")
    record_property("printed", problems.pop("took"))
    assert problems == {}


def test_so_does_the_page_for_what_is_not_there(phone: Screen, root: str) -> None:
    problems = phone.look(root, f"{HERE}404.html")
    # it is shorter than a screen: its foot grows upwards
    assert {rule for rule in problems if not rule.startswith("moved")} == {"took"}, problems


# Headings that are higher than their text, and buttons that lie on a line of code.
WASTED = """() => [...document.querySelectorAll("article :is(h1, h2, h3, h4)")].flatMap(heading => {
  const text = document.createRange()
  text.selectNodeContents(heading)
  const links = heading.querySelector(".headerlink")
  if (links) text.setEndBefore(links)
  const empty = heading.getBoundingClientRect().bottom - text.getBoundingClientRect().bottom
  return heading.checkVisibility() && empty > 10 ? [heading.id] : []
})"""
COVERED = """() => [...document.querySelectorAll(".snippet-name + .highlight")].flatMap(box => {
  const [button, code] = [box.querySelector(".copy"), box.querySelector("code")]
  const first = code.getBoundingClientRect().top + parseFloat(getComputedStyle(code).paddingTop)
  return box.checkVisibility() && button.getBoundingClientRect().bottom > first + 1 ? [code.textContent] : []
})"""


@pytest.mark.parametrize("page", ["en/blocks/", "own-module/"])
def test_no_heading_has_an_empty_line_and_no_button_lies_on_code(
    browser: Browser, address: str, page: str
) -> None:
    """Links that show when a pointer hovers take no room where there is none."""
    with tab(
        browser, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    ) as view:
        view.goto(f"{address}{page}")
        view.locator(".copy").first.wait_for()
        assert view.locator(".snippet-name + .highlight").count() > 10
        assert view.evaluate(WASTED) == []
        assert view.evaluate(COVERED) == []


# Of each figure, how it is named and the size of its smallest text on the screen.
TEXTS = """() => [...document.querySelectorAll("article .snippet-figure svg")].map(svg => {
  const sizes = [...svg.querySelectorAll("text")].map(text => {
    const { a, b } = text.getScreenCTM()
    return parseFloat(getComputedStyle(text).fontSize) * Math.hypot(a, b)
  })
  return [svg.ariaLabel, Math.min(...sizes)]
})"""
WHITE = """() => [...document.querySelectorAll("article .snippet-figure [fill='#ffffff']")].map(
  area => getComputedStyle(area).fill === "rgb(255, 255, 255)")"""


@every_language
def test_text_in_figures_can_be_read(browser: Browser, address: str, language: str) -> None:
    with tab(browser, viewport={"width": 390, "height": 844}, color_scheme="dark") as view:
        seen: dict[str, float] = {}
        white: list[bool] = []
        for part in SHOWING:
            view.goto(f"{address}{LANGUAGES[language]}{part}/")
            view.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            seen |= dict(view.evaluate(TEXTS))
            white += view.evaluate(WHITE)
        assert len(seen) > 8
        assert {name: size for name, size in seen.items() if size < 11} == {}
        assert white
        assert set(white) == {False}, "white behind text that is light in the dark"
