"""The real site in a real Chromium, as a reader meets it."""

import contextlib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, TimeoutError, expect

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


@pytest.mark.parametrize(
    ("language", "query", "part"),
    [
        ("zh", "参数绑定", "parameters/"),
        ("zh", "延后初始化", "lazy-initialization/"),
        ("zh", "load_state_dict", "saving-and-loading/"),
        ("en", "parameter tying", "parameters/"),
        ("en", "load_state_dict", "saving-and-loading/"),
        ("en", "lazy initialisation", "lazy-initialization/"),
    ],
)
def test_the_search_finds_a_part_in_the_language_of_the_page(
    browser: Browser, address: str, language: str, query: str, part: str
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    view = context.new_page()
    view.goto(f"{address}{LANGUAGES[language]}", wait_until="networkidle")
    first = view.locator(".md-search-result__link").first
    view.locator(".md-search__input").fill(query)
    for _ in range(
        10
    ):  # until the theme's search worker, which answers to keys, has read the index
        view.locator(".md-search__input").press("End")
        with contextlib.suppress(TimeoutError):
            first.wait_for(timeout=2000)
            break
    expect(first).to_have_attribute("href", re.compile(f"/{part}"))
    links = view.locator(".md-search-result__link").evaluate_all("all => all.map(a => a.href)")
    assert all(("/en/" in link) == (language == "en") for link in links)
    context.close()
