"""What the copy buttons put on the clipboard, and what it prints when it runs on its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import Tag
from playwright.sync_api import Browser, Locator, Page, expect

from snippets.engine.scripts import localise, read_sections
from tests.conftest import PROJECT
from tests.site.test_html import LANGUAGES, SECTIONS, parsed, shown

every_language = pytest.mark.parametrize("language", LANGUAGES)
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
    for _ in range(100):
        if text := view.evaluate("navigator.clipboard.readText()"):
            return str(text)
        view.wait_for_timeout(50)
    raise AssertionError("the button copies nothing")


def printed(snippet: Tag) -> list[str]:
    """The lines under a snippet: what it wrote, and the error in which it ended."""
    lines = [line.rstrip() for samp in snippet.select("samp") for line in samp.text.splitlines()]
    # a traceback names the module of an error, a script that catches it does not
    return [re.sub(r"^[\w.]+\.(\w+Error: )", r"\1", line) for line in lines]


@every_language
@every_part
def test_the_whole_page_is_copied_as_one_script_that_prints_what_the_page_shows(
    view: Page, address: str, site: Path, language: str, part: str, tmp_path: Path
) -> None:
    view.goto(f"{address}{LANGUAGES[language]}{part}/")
    script = copied(view, view.locator(".page-code button"))
    expect(view.get_by_role("status")).to_have_text(re.compile(r"\S"))
    assert script == (site / LANGUAGES[language] / part / f"{part}.py").read_text("utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-"],
        input=script,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": "", "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    states = {"ran", "raised"}
    snippets = [s for s in shown(parsed(site, language, f"{part}/")) if s["data-state"] in states]
    expected = [line for snippet in snippets for line in printed(snippet)]
    skipped = r"[\w.-]+: (not run, needs|未运行，需要) .*"
    plain = re.sub("\x1b\\[[0-9;]*m", "", done.stdout)
    lines = [line.rstrip() for line in plain.splitlines()]
    assert [line for line in lines if not re.fullmatch(skipped, line)] == expected


@every_language
def test_a_snippet_is_copied_as_its_source_in_the_language_of_the_page(
    view: Page, address: str, language: str
) -> None:
    view.goto(f"{address}{LANGUAGES[language]}blocks/")
    view.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
    section = read_sections(PROJECT / "snippets")["blocks"]
    for snippet in section.snippets:
        element = view.locator(f'[data-snippet="{snippet.name}"]')
        text = copied(view, element.locator("button.copy"))
        assert text == localise(snippet.source, language)
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
