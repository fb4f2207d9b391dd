"""Every page on a phone, in the dark."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.helpers.looking import look, screen
from tests.helpers.site import LANGUAGES, every_language, every_page


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    with screen(browser, 360, dark=True) as view:
        yield view


@every_language
@every_page
def test_a_page_keeps_all_rules(phone: Page, address: str, language: str, page: str) -> None:
    assert look(phone, address, f"{LANGUAGES[language]}{page}", "slate") == {}


def test_so_does_the_page_for_what_is_not_there(phone: Page, root: str) -> None:
    problems = look(phone, root, "404.html", "slate")
    problems.pop("moved", None)  # it is shorter than the screen: its foot grows upwards
    assert problems == {}
