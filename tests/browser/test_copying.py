"""What the copy buttons put on the clipboard."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from proven.scripts import localise, read_sections
from proven.settings import read_settings
from tests.helpers.projects import PROJECT
from tests.helpers.site import LANGUAGES, SECTIONS, every_language

every_part = pytest.mark.parametrize("part", SECTIONS)


@pytest.fixture
def view(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def copied(view: Page, button: Locator) -> str:
    """What a button puts on the clipboard."""
    view.evaluate("navigator.clipboard.writeText('')")
    button.click()
    for _ in range(500):
        if text := view.evaluate("navigator.clipboard.readText()"):
            return str(text)
        view.wait_for_timeout(10)
    raise AssertionError("the button copies nothing")


@every_language
@every_part
def test_the_whole_page_is_copied_as_the_script_beside_it(
    view: Page, address: str, site: Path, language: str, part: str
) -> None:
    view.goto(f"{address}{LANGUAGES[language]}{part}/")
    script = copied(view, view.locator(".page-code button"))
    expect(view.get_by_role("status")).to_have_text(re.compile(r"\S"))
    assert script == (site / LANGUAGES[language] / part / f"{part}.py").read_text("utf-8")


@every_language
def test_a_snippet_is_copied_as_its_source_in_the_language_of_the_page(
    view: Page, address: str, language: str
) -> None:
    view.goto(f"{address}{LANGUAGES[language]}blocks/")
    view.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
    settings = read_settings(PROJECT)
    sections, _ = read_sections(settings)
    for snippet in sections["blocks"].snippets:
        element = view.locator(f'[data-snippet="{snippet.name}"]')
        text = copied(view, element.locator("button.copy"))
        assert text == localise(snippet.source, language, settings.written)
        assert element.locator("pre:has(samp) button").count() == 0


def test_without_a_script_the_code_of_a_page_can_be_downloaded(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    view = context.new_page()
    view.goto(f"{address}en/blocks/")
    expect(view.locator(".page-code button")).not_to_be_visible()
    with view.expect_download() as download:
        view.get_by_role("link", name="Download blocks.py").click()
    assert download.value.suggested_filename == "blocks.py"
    context.close()
