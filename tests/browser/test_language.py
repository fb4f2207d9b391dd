"""Two languages: the switch keeps page and heading, and a first visit is offered the browser's own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.looking import focused, tab, tab_to

pages = pytest.mark.parametrize(
    ("here", "there", "name"), [("", "en/", "English"), ("en/", "", "中文")], ids=["zh", "en"]
)


@pytest.fixture(scope="module")
def only(browser: Browser) -> Iterator[Page]:
    with tab(browser, locale="en-GB") as view:
        yield view


@pages
def test_a_click_on_the_switch_keeps_the_heading_that_is_being_read(
    view: Page, address: str, here: str, there: str, name: str
) -> None:
    view.goto(f"{address}{here}lazy-initialization/")
    view.locator("#dry-run").evaluate("heading => heading.scrollIntoView()")
    view.locator(".md-header .md-select button").hover()
    # the menu opens slowly, and a click on what moves makes Playwright scroll the page
    expect(view.locator(".md-select__inner")).to_have_css("opacity", "1")
    view.locator(".md-select__link", has_text=name).click()
    expect(view).to_have_url(f"{address}{there}lazy-initialization/#dry-run")
    expect(view.locator("#dry-run")).to_be_in_viewport()


@pages
def test_the_switch_works_by_keyboard(
    view: Page, address: str, here: str, there: str, name: str
) -> None:
    view.goto(f"{address}{here}lazy-initialization/#dry-run")
    view.locator(".md-header .md-select button").focus()
    tab_to(view, name, limit=2)
    expect(view.locator(".md-select__link", has_text=name)).to_be_visible()
    view.keyboard.press("Enter")
    expect(view).to_have_url(f"{address}{there}lazy-initialization/#dry-run")


@pages
def test_without_a_script_the_switch_and_each_heading_lead_to_the_other_language(
    browser: Browser, address: str, here: str, there: str, name: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    view = context.new_page()
    view.goto(f"{address}{here}lazy-initialization/")
    view.locator("#dry-run").hover()
    view.locator("#dry-run a[hreflang]").click()
    expect(view).to_have_url(f"{address}{there}lazy-initialization/#dry-run")
    view.go_back()
    view.locator(".md-header .md-select button").hover()
    view.locator(".md-select__link", has_text=name).click()
    expect(view).to_have_url(f"{address}{there}lazy-initialization/")
    context.close()


@pytest.mark.parametrize(
    ("locale", "page", "offer"),
    [
        ("en-GB", "custom-layers/#layers-with-parameters", "Read this page in English"),
        ("zh-CN", "en/custom-layers/#layers-with-parameters", "用中文读这一页"),
        ("zh-TW", "custom-layers/", None),
        ("en-US", "en/custom-layers/", None),
        ("fr-FR", "custom-layers/", None),
    ],
)
def test_a_first_visit_is_offered_the_language_of_the_browser(
    browser: Browser, address: str, locale: str, page: str, offer: str | None
) -> None:
    context = browser.new_context(locale=locale)
    view = context.new_page()
    view.goto(f"{address}{page}")
    bar = view.locator(".language-bar")
    if not offer:
        expect(bar).not_to_be_visible()
        context.close()
        return
    expect(bar).to_have_attribute("lang", locale[:2])
    expect(view).to_have_url(f"{address}{page}")  # offered, and not decided
    bar.get_by_role("link", name=offer).click()
    other = page.removeprefix("en/") if page.startswith("en/") else f"en/{page}"
    expect(view).to_have_url(f"{address}{other}")
    view.goto(f"{address}{page}")
    expect(bar).not_to_be_visible()
    context.close()


@pytest.mark.parametrize("by", ["decline", "switch"])
def test_a_choice_is_remembered(view: Page, address: str, by: str) -> None:
    view.goto(f"{address}lazy-initialization/")
    bar = view.locator(".language-bar")
    expect(bar).to_be_visible()
    if by == "decline":
        bar.get_by_role("button").focus()
        assert focused(view) == "No thanks"
        view.keyboard.press("Enter")
        expect(bar).not_to_be_visible()
    else:
        view.locator(".md-header .md-select button").hover()
        view.locator(".md-select__link", has_text="English").click()
    view.goto(f"{address}parameters/")
    expect(view.locator("html")).to_have_attribute("lang", "zh")
    expect(bar).not_to_be_visible()
