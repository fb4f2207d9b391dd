"""What search engines and previews read: the site built for an address of its own, and for none."""

import re
from pathlib import Path
from urllib.parse import urljoin
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from PIL import Image

from tests.conftest import PROJECT, mkdocs
from tests.site.test_html import LANGUAGES, every_language, every_page, parsed, read

ADDRESS = "https://somebody.example/notes/"
XML = {"": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as it is built when its address is known."""
    folder = tmp_path_factory.mktemp("published") / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SITE_URL", ADDRESS.rstrip("/"))
        done = mkdocs(PROJECT, "build", "--site-dir", str(folder))
    assert done.returncode == 0, done.stdout
    return folder


def pages(site: Path) -> list[str]:
    """The pages of both languages, as addresses from the root of the site."""
    return [
        path.parent.relative_to(site).as_posix().removeprefix(".") + "/"
        for path in sorted(site.rglob("index.html"))
    ]


def alternates(soup: BeautifulSoup) -> dict[str, str]:
    links = soup.select("head > link[hreflang]")
    assert all("alternate" in str(link["rel"]) for link in links)
    return {str(link["hreflang"]): str(link["href"]) for link in links}


def test_no_two_pages_share_a_title_or_a_description(site: Path) -> None:
    titles: dict[str, str] = {}
    for path in sorted(site.rglob("*.html")):
        soup = read(path)
        description = soup.select_one("meta[name=description]")
        assert soup.title
        assert description
        for text in (soup.title.get_text(), str(description["content"])):
            assert len(text) > 5
            assert text not in titles, f"{path} and {titles[text]}: {text}"
            titles[text] = str(path)


@every_language
@every_page
def test_a_page_names_its_address_and_those_of_both_languages(
    published: Path, language: str, page: str
) -> None:
    soup = parsed(published, language, page)
    canonical = soup.select_one("link[rel=canonical]")
    assert canonical
    assert canonical["href"] == f"{ADDRESS}{LANGUAGES[language]}{page}"
    assert alternates(soup) == {
        "zh": f"{ADDRESS}{page}",
        "en": f"{ADDRESS}en/{page}",
        "x-default": f"{ADDRESS}{page}",
    }


@every_language
@every_page
def test_without_an_address_there_is_no_canonical_and_the_languages_are_linked_all_the_same(
    site: Path, language: str, page: str
) -> None:
    soup = parsed(site, language, page)
    assert not soup.select("link[rel=canonical], meta[property='og:url']")
    links = {
        name: urljoin(f"http://site/{LANGUAGES[language]}{page}", link)
        for name, link in alternates(soup).items()
    }
    assert links == {
        "zh": f"http://site/{page}",
        "en": f"http://site/en/{page}",
        "x-default": f"http://site/{page}",
    }


def test_one_sitemap_lists_all_pages_with_their_twins(published: Path) -> None:
    tree = ElementTree.parse(published / "sitemap.xml")
    seen = {}
    for url in tree.findall("url", XML):
        links = {link.get("hreflang"): link.get("href") for link in url.findall("x:link", XML)}
        address = url.findtext("loc", namespaces=XML)
        assert address in (links["zh"], links["en"])
        assert links["x-default"] == links["zh"]
        assert links["en"] == str(links["zh"]).replace(ADDRESS, f"{ADDRESS}en/")
        seen[address] = links
    assert set(seen) == {f"{ADDRESS}{page.lstrip('/')}" for page in pages(published)}
    assert not (published / "en" / "sitemap.xml").exists()


def test_there_is_no_sitemap_without_an_address(site: Path) -> None:
    assert list(site.rglob("sitemap*")) == []


def test_the_list_for_language_models_has_whole_addresses(published: Path) -> None:
    links = re.findall(r"\]\((.+?)\):", (published / "llms.txt").read_text(encoding="utf-8"))
    assert f"{ADDRESS}index.html.md" in links
    assert all(link.startswith(ADDRESS) for link in links)


@every_language
@every_page
def test_a_preview_has_a_title_a_text_and_a_language(
    published: Path, language: str, page: str
) -> None:
    soup = parsed(published, language, page)
    told = {str(tag["property"]): str(tag["content"]) for tag in soup.select("meta[property]")}
    description, heading = soup.select_one("meta[name=description]"), soup.title
    assert description
    assert heading
    assert told["og:description"] == description["content"]
    assert heading.get_text().startswith(told["og:title"])
    assert told["og:url"] == f"{ADDRESS}{LANGUAGES[language]}{page}"
    assert told["og:image"].startswith(f"{ADDRESS}{LANGUAGES[language]}assets/cards/")
    with Image.open(published / told["og:image"].removeprefix(ADDRESS)) as image:
        assert image.size == (int(told["og:image:width"]), int(told["og:image:height"]))
    assert soup.select_one("meta[name='twitter:card'][content=summary_large_image]")
    assert told["og:locale"] == {"zh": "zh_CN", "en": "en_GB"}[language]


def test_no_two_pages_have_the_same_card(site: Path) -> None:
    cards = [path.read_bytes() for path in site.rglob("assets/cards/*.png")]
    assert len(cards) == len(pages(site))
    assert len(set(cards)) == len(cards)


@pytest.mark.parametrize("kind", ["site", "published"])
def test_a_page_that_is_not_there_says_so_in_both_languages(
    kind: str, request: pytest.FixtureRequest
) -> None:
    root = "http://site/" if kind == "site" else ADDRESS
    soup = read(request.getfixturevalue(kind) / "404.html")
    said = [str(p.a["href"]) for p in soup.select("article p[lang]") if p.a]
    switch = [str(link["href"]) for link in soup.select(".md-select__link")]
    for links in (said, switch):
        assert [urljoin(root, link) for link in links] == [root, f"{root}en/"]
