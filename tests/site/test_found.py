"""What search engines and previews read: of the real site, which knows no address, and of a small one."""

import re
from pathlib import Path
from urllib.parse import urljoin
from xml.etree import ElementTree

import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from tests.helpers.site import (
    LANGUAGES,
    PAGES,
    attribute,
    every_language,
    every_page,
    one,
    parsed,
    read,
)
from tests.helpers.themed import ADDRESS
from tests.helpers.themed import PAGES as SMALL

XML = {"": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}
every_small_page = pytest.mark.parametrize("page", SMALL, ids=lambda page: page or "home")
ALL = [f"{root}{page}" for root in LANGUAGES.values() for page in PAGES]


def alternates(tree: LexborHTMLParser) -> dict[str, str]:
    links = tree.css("head > link[hreflang]")
    assert all("alternate" in attribute(link, "rel") for link in links)
    return {attribute(link, "hreflang"): attribute(link, "href") for link in links}


def test_no_two_pages_share_a_title_or_a_description(site: Path) -> None:
    titles: dict[str, str] = {}
    for path in sorted(site.rglob("*.html")):
        tree = read(path)
        description = attribute(one(tree, "meta[name=description]"), "content")
        for text in (one(tree, "head > title").text(), description):
            assert len(text) > 5
            assert text not in titles, f"{path} and {titles[text]}: {text}"
            titles[text] = str(path)


@every_language
@every_small_page
def test_a_page_names_its_address_and_those_of_both_languages(
    themed: Path, language: str, page: str
) -> None:
    tree = parsed(themed, language, page)
    canonical = attribute(one(tree, "link[rel=canonical]"), "href")
    assert canonical == f"{ADDRESS}{LANGUAGES[language]}{page}"
    assert alternates(tree) == {
        "zh": f"{ADDRESS}{page}",
        "en": f"{ADDRESS}en/{page}",
        "x-default": f"{ADDRESS}{page}",
    }


@every_language
@every_page
def test_without_an_address_there_is_no_canonical_and_the_languages_are_linked_all_the_same(
    site: Path, language: str, page: str
) -> None:
    tree = parsed(site, language, page)
    assert not tree.css("link[rel=canonical], meta[property='og:url']")
    links = {
        name: urljoin(f"http://site/{LANGUAGES[language]}{page}", link)
        for name, link in alternates(tree).items()
    }
    assert links == {
        "zh": f"http://site/{page}",
        "en": f"http://site/en/{page}",
        "x-default": f"http://site/{page}",
    }


def test_one_sitemap_lists_all_pages_with_their_twins(themed: Path) -> None:
    tree = ElementTree.parse(themed / "sitemap.xml")
    seen = {}
    for url in tree.findall("url", XML):
        links = {link.get("hreflang"): link.get("href") for link in url.findall("x:link", XML)}
        address = url.findtext("loc", namespaces=XML)
        assert address in (links["zh"], links["en"])
        assert links["x-default"] == links["zh"]
        assert links["en"] == str(links["zh"]).replace(ADDRESS, f"{ADDRESS}en/")
        seen[address] = links
    assert set(seen) == {f"{ADDRESS}{root}{page}" for root in LANGUAGES.values() for page in SMALL}
    assert not (themed / "en" / "sitemap.xml").exists()


def test_there_is_no_sitemap_without_an_address(site: Path) -> None:
    assert list(site.rglob("sitemap*")) == []


def test_the_list_for_language_models_has_whole_addresses(themed: Path) -> None:
    links = re.findall(r"\]\((.+?)\)", (themed / "llms.txt").read_text(encoding="utf-8"))
    assert f"{ADDRESS}index.html.md" in links
    assert [link for link in links if not link.startswith(ADDRESS)] == []


def preview(tree: LexborHTMLParser) -> dict[str, str]:
    return {attribute(t, "property"): attribute(t, "content") for t in tree.css("meta[property]")}


@every_language
@every_page
def test_a_preview_has_a_title_a_text_a_picture_and_a_language(
    site: Path, language: str, page: str
) -> None:
    tree = parsed(site, language, page)
    told = preview(tree)
    description = attribute(one(tree, "meta[name=description]"), "content")
    assert told["og:description"] == description
    assert one(tree, "head > title").text().startswith(told["og:title"])
    with Image.open(site / LANGUAGES[language] / page / told["og:image"]) as image:
        assert image.size == (int(told["og:image:width"]), int(told["og:image:height"]))
    assert tree.css("meta[name='twitter:card'][content=summary_large_image]")
    assert told["og:locale"] == {"zh": "zh_CN", "en": "en_GB"}[language]


@every_language
@every_small_page
def test_a_preview_has_whole_addresses(themed: Path, language: str, page: str) -> None:
    told = preview(parsed(themed, language, page))
    assert told["og:url"] == f"{ADDRESS}{LANGUAGES[language]}{page}"
    assert told["og:image"].startswith(f"{ADDRESS}{LANGUAGES[language]}assets/cards/")
    assert (themed / told["og:image"].removeprefix(ADDRESS)).is_file()


def test_no_two_pages_have_the_same_card(site: Path) -> None:
    cards = [path.read_bytes() for path in site.rglob("assets/cards/*.png")]
    assert len(cards) == len(set(cards)) == len(ALL)


@pytest.mark.parametrize(("kind", "root"), [("site", "http://site/"), ("themed", ADDRESS)])
def test_a_page_that_is_not_there_says_so_in_both_languages(
    kind: str, root: str, request: pytest.FixtureRequest
) -> None:
    tree = read(request.getfixturevalue(kind) / "404.html")
    for links in (tree.css("article p[lang] a"), tree.css(".md-select__link")):
        addresses = [urljoin(root, attribute(link, "href")) for link in links]
        assert addresses == [root, f"{root}en/"]
