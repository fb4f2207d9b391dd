"""Every Chinese page on a phone, in the dark; test_desk.py has the English ones on a desk.

Colours and widths change no element, and a language changes no style. Both widths are tried on each page.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.helpers.looking import Screen, screen
from tests.helpers.site import LANGUAGES, PAGES, every_page

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
