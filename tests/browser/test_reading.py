"""The real site in a real Chromium, as a reader meets it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.site.test_html import LANGUAGES, PAGES

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page or "home")
every_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture
def view(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    yield context.new_page()
    context.close()


@every_language
@every_page
def test_a_page_loads_without_errors_from_this_host_only(
    view: Page, address: str, language: str, page: str
) -> None:
    errors: list[str] = []
    requests: list[str] = []
    view.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" else None
    )
    view.on("pageerror", lambda error: errors.append(str(error)))
    view.on("request", lambda request: requests.append(request.url))
    view.goto(f"{address}{LANGUAGES[language]}{page}", wait_until="networkidle")
    assert errors == []
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []


@every_language
@every_page
def test_nothing_scrolls_sideways_on_a_phone(
    view: Page, address: str, language: str, page: str
) -> None:
    view.goto(f"{address}{LANGUAGES[language]}{page}")
    width = view.evaluate("document.documentElement.scrollWidth")
    assert width <= 360


@every_language
def test_the_scheme_follows_the_system_and_can_be_switched(
    browser: Browser, address: str, language: str
) -> None:
    context = browser.new_context(color_scheme="dark")
    view = context.new_page()
    view.goto(f"{address}{LANGUAGES[language]}blocks/")
    body = view.locator("body")
    expect(body).to_have_attribute("data-md-color-scheme", "slate")
    view.locator("label[for=__palette_1]:visible, label[for=__palette_0]:visible").first.click()
    expect(body).to_have_attribute("data-md-color-scheme", "default")
    context.close()


def test_the_language_is_switched_on_the_same_page(view: Page, address: str) -> None:
    view.goto(f"{address}parameters/")
    view.locator(".md-header .md-select button").hover()
    view.locator(".md-select__link[hreflang=en]").click()
    expect(view).to_have_url(f"{address}en/parameters/")
    expect(view.locator("html")).to_have_attribute("lang", "en")


def test_the_copy_button_copies_code_and_no_output(browser: Browser, address: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    view = context.new_page()
    view.goto(f"{address}en/blocks/")
    snippet = view.locator('[data-snippet="blocks.mlp"]')
    assert snippet.locator("samp").count() == 1
    assert view.locator("pre:has(samp) button").count() == 0
    snippet.locator("button").first.click()
    copied = view.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("class MLP(nn.Module):")
    compile(copied, "copied", "exec")
    context.close()
