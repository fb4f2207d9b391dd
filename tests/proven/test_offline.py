"""The offline copy of small sites."""

import os
import zipfile
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from proven.offline import write_offline_copy

POLICY = '<head><meta http-equiv="Content-Security-Policy" content="x"></head>'


def copied(site: Path) -> str:
    """The home page of the copy of a site."""
    write_offline_copy(site, "notes")
    with zipfile.ZipFile(site / "notes-offline.zip") as archive:
        return archive.read("notes/index.html").decode()


def test_the_same_site_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, time in (("one", 1), ("two", 2_000_000_000)):
        page = tmp_path / name / "index.html"
        (page.parent / "part").mkdir(parents=True)
        page.write_text(POLICY, "utf-8")
        os.utime(page, (time, time))
        assert "Content-Security-Policy" not in copied(page.parent)
    one, two = ((tmp_path / name / "notes-offline.zip").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    ("link", "file"),
    [
        ('<a class="x" href="part/">', '<a class="x" href="part/index.html">'),
        ('<a title="a > b" href="part/?q=1#x">', '<a title="a > b" href="part/index.html?q=1#x">'),
        ("<a href='.'>", "<a href='./index.html'>"),
        ('<a href="part">', '<a href="part/index.html">'),
        ('<a href="#part">', None),
        ('<a href="https://example.org/part/">', None),
        ('<a href="part/file.txt">', None),
        ('<a data-href="part/">', None),
        ('<pre>&lt;a href="part/"></pre>', None),
    ],
)
def test_only_links_to_folders_change(tmp_path: Path, link: str, file: str | None) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "index.html").write_text(link, encoding="utf-8")
    body, wanted = (LexborHTMLParser(html).body for html in (copied(tmp_path), file or link))
    assert body
    assert wanted
    assert body.html == wanted.html
