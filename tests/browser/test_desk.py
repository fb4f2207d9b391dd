"""Every English page on a desk, in daylight; test_phone.py has the Chinese ones on a phone."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.helpers.looking import look, screen
from tests.helpers.site import LANGUAGES, every_page


@pytest.fixture(scope="module")
def desk(browser: Browser) -> Iterator[Page]:
    with screen(browser, 1280) as view:
        yield view


@every_page
def test_a_page_keeps_all_rules(
    desk: Page, address: str, page: str, record_property: Callable[[str, object], None]
) -> None:
    problems = look(desk, address, f"{LANGUAGES['en']}{page}", "default", 360)
    record_property("printed", problems.pop("took"))
    assert problems == {}


def test_so_does_the_page_for_what_is_not_there(desk: Page, root: str) -> None:
    problems = look(desk, root, f"{LANGUAGES['en']}404.html", "default", 360)
    # it is shorter than a screen: its foot grows upwards
    assert {name for name in problems if not name.startswith("moved")} == {"took"}, problems
