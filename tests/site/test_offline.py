"""The copy of the site that is read from disk: what stands in its zip file."""

import json
import zipfile
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from tests.helpers.site import (
    LANGUAGES,
    NAME,
    OFFLINE,
    PAGES,
    anchors,
    attribute,
    every_language,
    read,
)


@pytest.fixture(scope="module")
def unpacked(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offline")
    with zipfile.ZipFile(site / OFFLINE) as archive:
        archive.extractall(folder)
    return folder / NAME


@every_language
def test_every_page_is_there(unpacked: Path, language: str) -> None:
    for page in PAGES:
        assert (unpacked / LANGUAGES[language] / page / "index.html").is_file()


def test_every_link_names_a_file_and_an_anchor_that_are_there(unpacked: Path) -> None:
    seen = 0
    for page in unpacked.rglob("*.html"):
        here = f"http://site/{page.relative_to(unpacked).as_posix()}"
        for tag in read(page).css(":is(a, link)[href], [src]"):
            address = tag.attributes.get("href") or attribute(tag, "src")
            target = urlsplit(urljoin(here, address))
            if target.netloc != "site":
                continue
            path = unpacked / unquote(target.path).lstrip("/")
            assert path.is_file(), f"{here} links to {target.path}"
            if target.fragment and path.suffix == ".html":
                assert unquote(target.fragment) in anchors(path) | {"__comments"}
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
        assert OFFLINE in (site / about).read_text(encoding="utf-8")
        assert OFFLINE not in (unpacked / about).read_text(encoding="utf-8")
