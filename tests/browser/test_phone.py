"""Every page on a phone, in the dark.

Other colours and other widths change no element: so axe-core looks at Chinese pages here, and at English
ones on a desk.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.helpers.looking import look, screen
from tests.helpers.site import LANGUAGES, every_language, every_page


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    with screen(browser, 360, dark=True) as context:
        yield context


@pytest.fixture
def phone(context: BrowserContext) -> Iterator[Page]:
    with context.new_page() as view:
        yield view


@every_language
@every_page
def test_a_page_keeps_all_rules(phone: Page, address: str, language: str, page: str) -> None:
    more = ("axe",) if language == "zh" else ()
    assert look(phone, address, f"{LANGUAGES[language]}{page}", "slate", *more) == {}


@every_language
def test_so_does_the_page_for_what_is_not_there(phone: Page, root: str, language: str) -> None:
    problems = look(phone, root, f"{LANGUAGES[language]}404.html", "slate", "axe", "used")
    problems.pop("moved", None)  # it is shorter than the screen: its foot grows upwards
    assert problems == {}
