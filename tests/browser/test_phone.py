"""Every Chinese page on a phone, in the dark; test_desk.py has the English ones on a desk.

Colours and widths change no element, and a language changes no style. Both widths are tried on each page.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.helpers.looking import look, screen
from tests.helpers.site import LANGUAGES, every_page


@pytest.fixture(scope="module")
def phone(browser: Browser) -> Iterator[Page]:
    with screen(browser, 360, dark=True) as view:
        yield view


@every_page
def test_a_page_keeps_all_rules(
    phone: Page, address: str, page: str, record_property: Callable[[str, object], None]
) -> None:
    problems = look(phone, address, f"{LANGUAGES['zh']}{page}", "slate", 1280)
    record_property("printed", problems.pop("took"))
    assert problems == {}


def test_so_does_the_page_for_what_is_not_there(phone: Page, root: str) -> None:
    problems = look(phone, root, f"{LANGUAGES['zh']}404.html", "slate", 1280)
    # it is shorter than a screen: its foot grows upwards
    assert {name for name in problems if not name.startswith("moved")} == {"took"}, problems
