"""The cheat sheet fits one printed page, and holds the summaries of all sections."""

from pathlib import Path

from playwright.sync_api import Browser
from pypdf import PdfReader

from tests.helpers.looking import tab
from tests.helpers.site import LANGUAGES, every_language


@every_language
def test_it_is_one_page_of_a4(
    browser: Browser, address: str, language: str, tmp_path: Path
) -> None:
    with tab(browser) as view:
        view.goto(f"{address}{LANGUAGES[language]}cheat-sheet/")
        parts = view.locator("article h2").count()
        lines = view.locator("article li").count()
        view.pdf(
            path=tmp_path / "sheet.pdf",
            format="A4",
            margin={"top": "10mm", "right": "10mm", "bottom": "10mm", "left": "10mm"},
        )
    (page,) = PdfReader(tmp_path / "sheet.pdf").pages
    assert parts == 8
    assert lines >= 4 * parts
    assert "state_dict()" in page.extract_text()
