"""Every page on a phone, in the dark.

Other colours and other widths change no element, and another language no style: so axe-core looks at
Chinese pages here, and at English ones on a desk, and so is the first view weighed.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.helpers.looking import look, screen
from tests.helpers.site import LANGUAGES, every_language, every_page


@pytest.fixture(scope="module")
def phone(browser: Browser) -> Iterator[Page]:
    with screen(browser, 360, dark=True) as view:
        yield view


@every_language
@every_page
def test_a_page_keeps_all_rules(
    phone: Page,
    address: str,
    language: str,
    page: str,
    record_property: Callable[[str, object], None],
) -> None:
    more = ("first", "axe") if language == "zh" else ()
    problems = look(phone, address, f"{LANGUAGES[language]}{page}", "slate", *more)
    if "first" in more:
        record_property("printed", problems.pop("took"))
    assert problems == {}


@every_language
def test_so_does_the_page_for_what_is_not_there(phone: Page, root: str, language: str) -> None:
    problems = look(phone, root, f"{LANGUAGES[language]}404.html", "slate", "axe", "used")
    problems.pop("moved", None)  # it is shorter than the screen: its foot grows upwards
    assert problems == {}
