"""The PDF of the chapter: printed once, in one language, and read back."""

import os
import re
import sys
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader
from pypdfium2 import PdfDocument

from proven.problems import ProjectError
from tests.helpers.site import SHOWING, parsed
from tests.helpers.site import title as words_of
from tools.pdf import print_chapter


@dataclass
class Printed:
    """A PDF and the text of its pages, without spaces."""

    reader: PdfReader
    texts: list[str]


@pytest.fixture(scope="module")
def printed(browser: Browser, site: Path, tmp_path_factory: pytest.TempPathFactory) -> Printed:
    target = tmp_path_factory.mktemp("pdf") / "build" / "chapter.pdf"
    pages = print_chapter(browser, site, "en", target)
    reader = PdfReader(target)
    assert len(reader.pages) == pages
    texts = [page.get_textpage().get_text_range() for page in PdfDocument(target)]
    return Printed(reader, [squeezed(text) for text in texts])


def squeezed(text: str) -> str:
    """Text without what differs between a page and its print: spaces, ligatures, invisible marks."""
    return re.sub(r"[\s\u00b6\u2060\u00ad\ufffe]", "", unicodedata.normalize("NFKC", text))


def outline(reader: PdfReader) -> list[tuple[int, str, int]]:
    """The level, the title and the page of each entry, counted from 1."""

    def flat(entries: list[Any], level: int) -> list[tuple[int, str, int]]:
        found = []
        for entry in entries:
            if isinstance(entry, list):
                found += flat(entry, level + 1)
            else:
                number = reader.get_destination_page_number(entry)
                assert number is not None
                found.append((level, squeezed(str(entry.title)), number + 1))
        return found

    return flat(reader.outline, 1)


def headings(site: Path, *names: str) -> list[tuple[int, str]]:
    return [
        (int(str(heading.tag)[1]), squeezed(words_of(heading)))
        for part in SHOWING
        for heading in parsed(site, "en", f"{part}/").css("article :is(h1, h2, h3, h4)")
        if heading.tag in names
    ]


def test_it_is_a_book_on_a4_without_a_blank_page(printed: Printed) -> None:
    assert len(printed.texts) > 50
    assert min(map(len, printed.texts)) > 60
    for page in printed.reader.pages:
        assert (round(page.mediabox.width), round(page.mediabox.height)) in {(595, 842), (596, 842)}


def test_the_outline_has_every_heading_on_the_page_where_it_stands(
    printed: Printed, site: Path
) -> None:
    entries = outline(printed.reader)
    assert [(level, title) for level, title, _ in entries] == headings(site, "h1", "h2", "h3", "h4")
    assert all(one[2] <= two[2] for one, two in pairwise(entries))
    for _, title, number in entries:
        assert title in printed.texts[number - 1]


def test_the_table_of_contents_names_the_pages_of_the_outline(printed: Printed, site: Path) -> None:
    entries = [(title, number) for level, title, number in outline(printed.reader) if level <= 2]
    assert [title for title, _ in entries] == [title for _, title in headings(site, "h1", "h2")]
    first = entries[0][1]
    # without the head of each page, which stands in the middle of a list of two pages
    listed = "".join(re.sub(r"^ProvenNotes\d+", "", text) for text in printed.texts[1 : first - 1])
    assert "".join(f"{title}{number}" for title, number in entries) in listed


def test_a_page_has_its_number_and_names_its_section(printed: Printed) -> None:
    starts = [(title, number) for level, title, number in outline(printed.reader) if level == 1]
    for (title, first), (_, after) in pairwise(starts):
        for number in range(first, after):
            assert printed.texts[number - 1].startswith(f"ProvenNotes{title}{number}")


def test_it_holds_code_outputs_errors_and_solutions_whole(printed: Printed, site: Path) -> None:
    text = "".join(printed.texts)
    assert squeezed("cannot assign module before Module.__init__() call") in text
    assert squeezed("A block that starts as the identity") in text
    missing = []
    for part in SHOWING:
        for pre in parsed(site, "en", f"{part}/").css(".snippet pre"):
            missing += [line for line in pre.text().split("\n") if squeezed(line) not in text]
    assert missing == []


def test_links_lead_into_the_document(printed: Printed) -> None:
    targets = [
        annotation.get_object()
        for page in printed.reader.pages
        for annotation in page.get("/Annots", [])
    ]
    assert len(targets) > 50
    addresses = [str(target["/A"]["/URI"]) for target in targets if "/URI" in target.get("/A", {})]
    assert all(address.startswith("https://") for address in addresses)


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no fc-list")
def test_chinese_without_a_font_is_an_error_with_advice(
    browser: Browser, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "fc-list"
    program.write_text(f"#!{sys.executable}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProjectError, match="fonts-noto-cjk"):
        print_chapter(browser, site, "zh", tmp_path / "chapter.pdf")
