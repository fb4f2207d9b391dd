"""Every page on a desk, in daylight; axe-core looks at the English ones, test_phone.py says why."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.helpers.looking import look, screen
from tests.helpers.site import LANGUAGES, every_language, every_page


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    with screen(browser, 1280) as context:
        yield context


@pytest.fixture
def desk(context: BrowserContext) -> Iterator[Page]:
    with context.new_page() as view:
        yield view


@every_language
@every_page
def test_a_page_keeps_all_rules(desk: Page, address: str, language: str, page: str) -> None:
    more = ("used", "axe") if language == "en" else ("used",)
    assert look(desk, address, f"{LANGUAGES[language]}{page}", "default", *more) == {}


@every_language
def test_so_does_the_page_for_what_is_not_there(desk: Page, root: str, language: str) -> None:
    problems = look(desk, root, f"{LANGUAGES[language]}404.html", "default", "axe", "used")
    problems.pop("moved", None)  # it is shorter than the screen: its foot grows upwards
    assert problems == {}
