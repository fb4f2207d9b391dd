"""The site without a network: from disk, and from a plain file server in a sub-path."""

import contextlib
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, Route, TimeoutError, expect

from tests.helpers.looking import INK, LOOKS, tab
from tests.helpers.site import LANGUAGES, NAME, OFFLINE, PAGES, every_language

QUERIES = {"zh": "参数绑定", "en": "parameter tying"}


@dataclass
class Cut:
    """A page of a browser that reaches nothing but one address, and what went wrong on it."""

    view: Page
    root: str
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.view.context.route("**", self._decide)
        self.view.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.view.on("requestfailed", self._failed)
        self.view.on(
            "console",
            lambda message: self.wrong.append(message.text) if message.type == "error" else None,
        )

    def _decide(self, route: Route) -> None:
        if route.request.url.startswith((self.root, "data:", "blob:")):
            route.continue_()
        else:
            self.wrong.append(route.request.url)
            route.abort()

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # not those that the next page cut short
            self.wrong.append(f"{request.url}: {request.failure}")


@pytest.fixture(scope="module")
def disk(site: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The copy of the site that is read from disk, as an address."""
    folder = tmp_path_factory.mktemp("offline")
    with zipfile.ZipFile(site / OFFLINE) as archive:
        archive.extractall(folder)
    return (folder / NAME).as_uri() + "/"


@pytest.fixture(scope="module", params=["disk", "address"])
def whole(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Cut]:
    with tab(browser, viewport={"width": 1280, "height": 800}) as view:
        yield Cut(view, request.getfixturevalue(request.param))


@pytest.fixture
def cut(whole: Cut) -> Cut:
    whole.wrong.clear()
    return whole


def index(cut: Cut) -> str:
    return "index.html" if cut.root.startswith("file:") else ""


@pytest.mark.parametrize("whole", ["disk"], indirect=True)  # others open those of a server
def test_every_page_opens_with_its_styles_and_pictures(cut: Cut) -> None:
    roots = cycle(LANGUAGES.values())  # each page in one of the languages
    for page, root in zip(PAGES, roots, strict=False):
        cut.view.goto(f"{cut.root}{root}{page}{index(cut)}")
        assert cut.view.evaluate(LOOKS, [1280, "default", INK]) == {}
    assert cut.wrong == []


@every_language
def test_links_lead_to_the_pages_and_the_switch_to_the_other_language(
    cut: Cut, language: str
) -> None:
    root, other = LANGUAGES[language], "en" if language == "zh" else "zh"
    cut.view.goto(f"{cut.root}{root}{index(cut)}")
    cut.view.locator("article td:first-child a").nth(1).click()
    expect(cut.view).to_have_url(f"{cut.root}{root}parameters/{index(cut)}")
    cut.view.locator(".md-footer__link--next").click()
    expect(cut.view).to_have_url(f"{cut.root}{root}lazy-initialization/{index(cut)}")
    cut.view.locator(".md-header .md-select button").hover()
    cut.view.locator(f".md-select__link[hreflang={other}]").click()
    page = re.escape(f"{cut.root}{LANGUAGES[other]}lazy-initialization/{index(cut)}")
    expect(cut.view).to_have_url(re.compile(f"^{page}(#lazy-initialization)?$"))
    assert cut.wrong == []


@every_language
def test_the_search_finds_a_page_that_opens(cut: Cut, language: str) -> None:
    cut.view.goto(f"{cut.root}{LANGUAGES[language]}{index(cut)}")
    first = cut.view.locator(".md-search-result__link").first
    cut.view.locator(".md-search__input").fill(QUERIES[language])
    for _ in range(10):  # until the theme's search worker has read the index
        cut.view.locator(".md-search__input").press("End")
        with contextlib.suppress(TimeoutError):
            first.wait_for(timeout=2000)
            break
    first.click()
    expect(cut.view.locator("article h1")).to_contain_text("5.2")
    assert cut.wrong == []


@pytest.mark.parametrize("whole", ["disk"], indirect=True)
@pytest.mark.parametrize(
    "slipped",
    [
        "<script>window.slipped = 1</script>",
        '<img src="x" onerror="window.slipped = 1">',
        '<script src="https://example.invalid/x.js" onload="window.slipped = 1"></script>',
        '<iframe srcdoc="<script>parent.slipped = 1</script>"></iframe>',
    ],
)
def test_what_is_slipped_into_a_page_does_not_run(cut: Cut, slipped: str) -> None:
    page = Path(unquote(urlsplit(cut.root).path)) / "en" / "blocks" / "index.html"
    html = page.read_text(encoding="utf-8").replace("</h1>", f"</h1>{slipped}", 1)
    page.with_name("slipped.html").write_text(html, encoding="utf-8")
    cut.view.goto(f"{cut.root}en/blocks/slipped.html")
    cut.view.wait_for_timeout(200)
    assert cut.view.evaluate("window.slipped") is None
    assert any("Content Security Policy" in text for text in cut.wrong), cut.wrong
