"""Every English page on a desk, in daylight; test_phone.py has the Chinese ones on a phone."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.helpers.looking import Screen, screen
from tests.helpers.site import LANGUAGES, PAGES, every_page

HERE = LANGUAGES["en"]


@pytest.fixture(scope="module")
def desk(browser: Browser, address: str, root: str) -> Iterator[Screen]:
    visits = [*((address, f"{HERE}{page}") for page in PAGES), (root, f"{HERE}404.html")]
    with screen(browser, 1280, other_width=360, dark=False, visits=visits) as desk:
        yield desk


@every_page
def test_a_page_keeps_all_rules(
    desk: Screen, address: str, page: str, record_property: Callable[[str, object], None]
) -> None:
    problems = desk.look(address, f"{HERE}{page}")
    record_property("printed", problems.pop("took"))
    assert problems == {}


def test_so_does_the_page_for_what_is_not_there(desk: Screen, root: str) -> None:
    problems = desk.look(root, f"{HERE}404.html")
    # it is shorter than a screen: its foot grows upwards
    assert {rule for rule in problems if not rule.startswith("moved")} == {"took"}, problems
