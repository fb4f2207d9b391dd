"""No page violates its own policy, and what someone slips into a page does not run."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, TimeoutError, expect

from tests.site.test_html import LANGUAGES, PAGES

LISTEN = """
window.violations = []
window.violated = new Promise(resolve => addEventListener("securitypolicyviolation", resolve))
addEventListener("securitypolicyviolation", event =>
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`))
"""

every_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture
def view(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.add_init_script(LISTEN)
    yield context.new_page()
    context.close()


def violations(view: Page) -> list[str]:
    found: list[str] = view.evaluate("violations")
    return found


@every_language
@pytest.mark.parametrize("page", [*PAGES, "claims/", "404.html"], ids=lambda page: page or "home")
def test_no_page_violates_its_policy(view: Page, address: str, language: str, page: str) -> None:
    view.goto(f"{address}{LANGUAGES[language]}{page}", wait_until="networkidle")
    policy = view.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    view.locator("label[for^=__palette]:visible").first.click()
    for fold in view.locator("article details").all():
        fold.evaluate("element => element.open = true")
    for copy in view.locator("article button.copy").all()[:1]:
        copy.click()
    view.mouse.wheel(0, 20_000)
    view.wait_for_timeout(300)
    assert violations(view) == []


@every_language
def test_the_search_works_under_the_policy(view: Page, address: str, language: str) -> None:
    view.goto(f"{address}{LANGUAGES[language]}blocks/", wait_until="networkidle")
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

    view.route("**/blocks/", slip)
    view.goto(f"{address}en/blocks/")
    view.evaluate("async () => { await violated }")
    assert violations(view)[0].startswith(directive)
    assert view.evaluate("window.slipped") is None


@every_language
def test_the_policy_lets_a_page_work_from_a_disk(view: Page, site: Path, language: str) -> None:
    view.goto((site / LANGUAGES[language] / "blocks" / "index.html").as_uri())
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
