"""The real site in a real Chromium, as a reader meets it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.site import LANGUAGES, every_language


@every_language
def test_the_scheme_follows_the_system_and_can_be_switched(
    view: Page, address: str, language: str
) -> None:
    view.emulate_media(color_scheme="dark")
    view.goto(f"{address}{LANGUAGES[language]}lazy-initialization/")
    body = view.locator("body")
    expect(body).to_have_attribute("data-md-color-scheme", "slate")
    view.locator("label[for=__palette_1]:visible, label[for=__palette_0]:visible").first.click()
    expect(body).to_have_attribute("data-md-color-scheme", "default")


@every_language
def test_the_first_paint_is_in_the_scheme_of_the_system(
    view: Page, address: str, language: str
) -> None:
    view.emulate_media(color_scheme="dark")
    # without the theme's bundle, which comes after the first paint
    view.route("**/bundle*.js", lambda route: route.abort())
    view.goto(f"{address}{LANGUAGES[language]}lazy-initialization/")
    expect(view.locator("body")).to_have_attribute("data-md-color-scheme", "slate")


def read_marks(view: Page) -> list[str]:
    marks: list[str] = view.locator(".md-nav--primary a:has(.read)").evaluate_all(
        "links => links.map(link => new URL(link.href).pathname.split('/').at(-2))"
    )
    return marks


def test_a_section_counts_as_read_at_its_end_until_the_reader_says_otherwise(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    requests: list[str] = []
    context.on("request", lambda request: requests.append(request.method))
    view = context.new_page()
    view.goto(f"{address}en/lazy-initialization/")
    assert read_marks(view) == []
    box = view.get_by_role("checkbox", name="Read")
    box.scroll_into_view_if_needed()
    expect(box).to_be_checked()
    expect(view.locator(".md-nav--primary").get_by_role("img", name="Read")).to_have_count(1)

    view.goto(f"{address}custom-layers/")  # the other language, another page
    assert read_marks(view) == ["lazy-initialization"]
    view.goto(f"{address}lazy-initialization/")
    box = view.get_by_role("checkbox", name="已读")
    expect(box).to_be_checked()
    box.uncheck()
    view.reload()
    box.scroll_into_view_if_needed()
    assert read_marks(view) == []
    box.check()
    assert read_marks(view) == ["lazy-initialization"]
    view.get_by_role("button", name="清除所有已读记录").click()
    assert read_marks(view) == []
    expect(box).not_to_be_checked()
    view.goto(f"{address}custom-layers/")
    assert read_marks(view) == []
    assert set(requests) == {"GET"}
    context.close()


def test_what_is_read_is_kept_for_a_site_on_a_disk_too(browser: Browser, site: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    view = context.new_page()
    view.goto((site / "en" / "lazy-initialization" / "index.html").as_uri())
    view.get_by_role("checkbox", name="Read").scroll_into_view_if_needed()
    view.wait_for_selector(".md-nav--primary .read")
    view.goto((site / "en" / "custom-layers" / "index.html").as_uri())
    assert read_marks(view) == ["lazy-initialization"]
    context.close()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_print_opens_what_is_folded_and_leaves_out_the_frame(
    browser: Browser, address: str, script: bool
) -> None:
    context = browser.new_context(java_script_enabled=script, color_scheme="dark")
    view = context.new_page()
    view.goto(f"{address}en/blocks/")
    folded = view.locator('[data-snippet="blocks.residual"] .highlight')
    output = view.locator("pre:has(samp)").first
    assert not folded.is_visible()
    view.emulate_media(media="print")
    assert folded.bounding_box()
    assert folded.is_visible()
    assert output.evaluate("box => getComputedStyle(box).maxHeight") == "none"
    for frame in (".md-header", ".md-sidebar--primary", ".page-code", ".reading", ".language-bar"):
        assert not view.locator(frame).first.is_visible(), frame
    dark = view.locator("article p").first.evaluate("text => getComputedStyle(text).color")
    assert max(map(int, re.findall(r"\d+", dark)[:3])) < 100, "the text is not dark on paper"
    context.close()


def test_a_wide_or_long_output_scrolls_inside_its_box(view: Page, address: str) -> None:
    view.goto(f"{address}en/parameters/")
    boxes = view.locator("pre:has(samp)").evaluate_all(
        "all => all.map(e => [e.scrollWidth > e.clientWidth, e.clientHeight, getComputedStyle(e).overflowX])"
    )
    assert any(wide for wide, _, _ in boxes)
    assert all(height <= 24 * 25 and flow == "auto" for _, height, flow in boxes)
