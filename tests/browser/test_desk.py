"""Every page on a desk, in daylight; test_phone.py says which rules are for English pages only."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.helpers.looking import look, screen
from tests.helpers.site import LANGUAGES, every_language, every_page


@pytest.fixture(scope="module")
def desk(browser: Browser) -> Iterator[Page]:
    with screen(browser, 1280) as view:
        yield view


@every_language
@every_page
def test_a_page_keeps_all_rules(
    desk: Page,
    address: str,
    language: str,
    page: str,
    record_property: Callable[[str, object], None],
) -> None:
    more = ("used", "first", "axe") if language == "en" else ("used",)
    problems = look(desk, address, f"{LANGUAGES[language]}{page}", "default", *more)
    if "first" in more:
        record_property("printed", problems.pop("took"))
    assert problems == {}


@every_language
def test_so_does_the_page_for_what_is_not_there(desk: Page, root: str, language: str) -> None:
    problems = look(desk, root, f"{LANGUAGES[language]}404.html", "default", "axe", "used")
    problems.pop("moved", None)  # it is shorter than the screen: its foot grows upwards
    assert problems == {}
