"""The copy of the site that is read from disk: what stands in its zip file."""

import json
import os
import zipfile
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from snippets.engine import offline
from tests.site.test_html import LANGUAGES, PAGES, every_language, read


@pytest.fixture(scope="module")
def unpacked(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offline")
    with zipfile.ZipFile(site / offline.ARCHIVE) as archive:
        archive.extractall(folder)
    return folder / offline.FOLDER


@every_language
def test_every_page_is_there(unpacked: Path, language: str) -> None:
    for page in PAGES:
        assert (unpacked / LANGUAGES[language] / page / "index.html").is_file()


def test_every_link_names_a_file_and_an_anchor_that_are_there(unpacked: Path) -> None:
    seen = 0
    for page in unpacked.rglob("*.html"):
        here = f"http://site/{page.relative_to(unpacked).as_posix()}"
        for tag in read(page).select("[href], [src]"):
            target = urlsplit(urljoin(here, str(tag.get("href") or tag["src"])))
            if target.netloc != "site":
                continue
            path = unpacked / unquote(target.path).lstrip("/")
            assert path.is_file(), f"{here} links to {target.path}"
            if target.fragment and path.suffix == ".html":
                anchors = {tag["id"] for tag in read(path).select("[id]")} | {"__comments"}
                assert unquote(target.fragment) in anchors
            seen += 1
    assert seen > 500


@every_language
def test_every_result_of_the_search_names_a_file(unpacked: Path, language: str) -> None:
    root = unpacked / LANGUAGES[language]
    script = (root / "search" / "search_index.js").read_text(encoding="utf-8")
    index = json.loads(script.removeprefix("var __index = "))
    assert len(index["docs"]) > 50
    for entry in index["docs"]:
        assert (root / entry["location"].partition("#")[0]).is_file()


def test_the_copy_does_not_offer_itself(site: Path, unpacked: Path) -> None:
    for language in LANGUAGES.values():
        about = Path(language, "about", "index.html")
        assert offline.ARCHIVE in (site / about).read_text(encoding="utf-8")
        assert offline.ARCHIVE not in (unpacked / about).read_text(encoding="utf-8")


def test_the_same_site_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, time in (("one", 1), ("two", 2_000_000_000)):
        page = tmp_path / name / "index.html"
        (page.parent / "part").mkdir(parents=True)
        page.write_text(
            '<head><meta http-equiv="Content-Security-Policy" content="x"></head>', "utf-8"
        )
        os.utime(page, (time, time))
        offline.write(page.parent)
    one, two = ((tmp_path / name / offline.ARCHIVE).read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    ("link", "file"),
    [
        ('<a class="x" href="part/">', '<a class="x" href="part/index.html">'),
        ('<a title="a > b" href="part/?q=1#x">', '<a title="a > b" href="part/index.html?q=1#x">'),
        ("<a href='.'>", "<a href='./index.html'>"),
        ('<link rel="prev" href="part">', '<link rel="prev" href="part/index.html">'),
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
    offline.write(tmp_path)
    with zipfile.ZipFile(tmp_path / offline.ARCHIVE) as archive:
        html = archive.read(f"{offline.FOLDER}/index.html").decode()
    assert html == (file or link)
