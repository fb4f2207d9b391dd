"""What someone slips into a page does not run, and a page works all the same.

tests/helpers/looking.py holds every page against its policy.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, TimeoutError, expect

from tests.helpers.looking import LISTEN, tab
from tests.helpers.site import LANGUAGES, every_language


@pytest.fixture(scope="module")
def only(browser: Browser) -> Iterator[Page]:
    with tab(browser, permissions=["clipboard-read", "clipboard-write"]) as view:
        view.add_init_script(LISTEN)
        yield view


def violations(view: Page) -> list[str]:
    found: list[str] = view.evaluate("violations")
    return found


@every_language
def test_the_search_works_under_the_policy(view: Page, address: str, language: str) -> None:
    view.goto(f"{address}{LANGUAGES[language]}lazy-initialization/")
    first = view.locator(".md-search-result__link").first
    view.locator(".md-search__input").fill("state_dict")
    for _ in range(10):
        view.locator(".md-search__input").press("End")
        with contextlib.suppress(TimeoutError):
            first.wait_for(timeout=2000)
            break
    expect(first).to_be_visible()
    assert violations(view) == []


@pytest.mark.parametrize(
    ("slipped", "directive"),
    [
        ("<script>window.slipped = 1</script>", "script-src-elem inline"),
        ('<img src="x" onerror="window.slipped = 1">', "script-src-attr inline"),
        ('<script src="http://example.invalid/x.js"></script>', "script-src-elem http"),
        ('<img src="http://example.invalid/x.png">', "img-src http"),
        ('<p style="color: red">', "style-src-attr inline"),
    ],
)
def test_what_is_slipped_into_a_page_does_not_run(
    view: Page, address: str, slipped: str, directive: str
) -> None:
    def slip(route: Route) -> None:
        html = route.fetch().text()
        route.fulfill(body=html.replace("</h1>", f"</h1>{slipped}"), content_type="text/html")

    view.route("**/lazy-initialization/", slip)
    view.goto(f"{address}en/lazy-initialization/")
    view.evaluate("async () => { await violated }")
    assert violations(view)[0].startswith(directive)
    assert view.evaluate("window.slipped") is None


@every_language
def test_the_policy_lets_a_page_work_from_a_disk(view: Page, site: Path, language: str) -> None:
    view.goto((site / LANGUAGES[language] / "lazy-initialization" / "index.html").as_uri())
    expect(view.locator("html")).to_have_class(re.compile(r"(^| )js( |$)"))
    expect(view.locator("article button.copy").first).to_be_visible()
    assert violations(view) == []


def test_a_site_with_a_repository_asks_nobody_about_it(view: Page, marked: str) -> None:
    requests: list[str] = []
    view.on("request", lambda request: requests.append(request.url))
    view.goto(f"{marked}en/", wait_until="networkidle")
    expect(view.locator(".md-header .md-source")).to_contain_text("GitHub")
    assert [url for url in requests if not url.startswith(marked)] == []
    assert violations(view) == []
