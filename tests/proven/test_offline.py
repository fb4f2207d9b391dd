"""The copy of a site that works when it is opened from disk."""

import io
import json
import zipfile

import pytest
from selectolax.lexbor import LexborHTMLParser

from proven.offline import write_offline_copy

HEAD = (
    '<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
    "content=\"script-src 'self' 'sha256-x'\">"
    '<link rel="stylesheet" href="{root}style.css">'
)
HOME = """<a href="en/">English</a><a href="./#here">here</a><a href="en/?q=1#there">there</a>
<a href="file.txt">file</a><a href="https://example.org/en/">elsewhere</a><a href="#here">up</a>
<a href="/en/">from the root</a><p class="online">Take <a href="made-up-offline.zip">this</a>.</p>"""
INDEX = {"docs": [{"location": location} for location in ("", "#here", "en/", "en/#there")]}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The texts of the files in the copy of a small site, by their paths inside its one folder."""
    site = tmp_path_factory.mktemp("site")
    texts = {
        "index.html": f"<html><head>{HEAD.format(root='')}</head><body>{HOME}</body></html>",
        "en/index.html": f"<html><head>{HEAD.format(root='../')}</head>"
        '<body><a href="..">中文</a></body></html>',
        "404.html": "<html></html>",
        "style.css": "p {}",
        "file.txt": "text",
        ".proven.json": "{}",
        "en/search/search_index.json": json.dumps({"docs": []}),
        "sitemap.xml": "<urlset/>",
        "assets/cards/index.png": "a card",
        "assets/theme.js.map": "{}",
        "search/search_index.json": json.dumps(INDEX),
        "workers/terms.js": "first();importScripts(location.search.slice(1));last()",
        "workers/search.1.min.js": "searches()",
    }
    for name, text in texts.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
    write_offline_copy(site, "made-up")
    first = (site / "made-up-offline.zip").read_bytes()
    write_offline_copy(site, "made-up")
    assert (site / "made-up-offline.zip").read_bytes() == first  # it does not hold itself
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        names = archive.namelist()
        assert all(name.startswith("made-up/") for name in names)
        return {name.removeprefix("made-up/"): archive.read(name).decode() for name in names}


def links(text: str) -> list[str]:
    return [str(link.attributes["href"]) for link in LexborHTMLParser(text).css("a")]


def test_links_to_folders_name_their_pages_and_all_others_stay(unpacked: dict[str, str]) -> None:
    assert links(unpacked["index.html"]) == [
        "en/index.html",
        "./index.html#here",
        "en/index.html?q=1#there",
        "file.txt",
        "https://example.org/en/",
        "#here",
        "/en/",
    ]
    assert links(unpacked["en/index.html"]) == ["../index.html"]


def test_what_makes_no_sense_on_disk_is_left_out(unpacked: dict[str, str]) -> None:
    assert "made-up-offline.zip" not in unpacked["index.html"]
    left_out = {
        ".proven.json",
        "404.html",
        "sitemap.xml",
        "assets/cards/index.png",
        "assets/theme.js.map",
    }
    assert not left_out & unpacked.keys()
    assert unpacked["style.css"] == "p {}"


def test_the_policy_stays_and_allows_files(unpacked: dict[str, str]) -> None:
    [policy] = LexborHTMLParser(unpacked["en/index.html"]).css("meta[http-equiv]")
    assert policy.attributes["content"] == "script-src 'self' file: 'sha256-x'"


def test_the_index_of_the_search_is_a_script_that_names_files(unpacked: dict[str, str]) -> None:
    assert "search/search_index.json" not in unpacked
    script = unpacked["search/search_index.js"]
    entries = json.loads(script.removeprefix("var __index = "))["docs"]
    assert [entry["location"] for entry in entries] == [
        "index.html",
        "index.html#here",
        "en/index.html",
        "en/index.html#there",
    ]


def test_a_shim_stands_in_for_the_worker_that_no_browser_starts_from_disk(
    unpacked: dict[str, str],
) -> None:
    for page, source in (
        ("index.html", "assets/iframe-worker.js"),
        ("en/index.html", "../assets/iframe-worker.js"),
    ):
        scripts = LexborHTMLParser(unpacked[page]).css("head script[src]")
        assert [script.attributes["src"] for script in scripts] == [source]
    assert "Worker" in unpacked["assets/iframe-worker.js"]
    assert unpacked["workers/terms.js"] == "first();searches()last()"
