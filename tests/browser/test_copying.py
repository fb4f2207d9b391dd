"""What the copy buttons put on the clipboard."""

import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from proven.scripts import localise, read_sections
from proven.settings import read_settings
from tests.helpers.looking import tab
from tests.helpers.projects import PROJECT
from tests.helpers.site import LANGUAGES, every_language

# Presses each button, and waits for what it puts on the clipboard.
COPY = """async buttons => {
  const texts = []
  for (const button of buttons) {
    await navigator.clipboard.writeText("")
    button.click()
    let text = ""
    for (let turn = 0; !text && turn < 500; turn++) {
      await new Promise(done => setTimeout(done, 10))
      text = await navigator.clipboard.readText()
    }
    texts.push(text)
  }
  return texts
}"""


@every_language
def test_what_is_copied_is_the_source_in_the_language_of_the_page(
    browser: Browser, address: str, site: Path, language: str
) -> None:
    settings = read_settings(PROJECT)
    sections, _ = read_sections(settings)
    snippets = {snippet.name: snippet.source for snippet in sections["blocks"].snippets}
    with tab(browser, permissions=["clipboard-read", "clipboard-write"]) as view:
        view.goto(f"{address}{LANGUAGES[language]}blocks/")
        [script] = view.locator(".page-code button").evaluate_all(COPY)
        expect(view.get_by_role("status")).to_have_text(re.compile(r"\S"))
        texts = view.locator("[data-snippet] button.copy").evaluate_all(COPY)
        names = view.locator("[data-snippet]:has(button.copy)").evaluate_all(
            "all => all.map(snippet => snippet.dataset.snippet)"
        )
        assert view.locator("pre:has(samp) button").count() == 0
    # that this script prints what the page shows: tests/site/test_downloads_run.py
    assert script == (site / LANGUAGES[language] / "blocks" / "blocks.py").read_text("utf-8")
    assert dict(zip(names, texts, strict=True)) == {
        name: localise(source, language, settings.written) for name, source in snippets.items()
    }


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
