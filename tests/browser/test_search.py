"""What readers type into the search box, in a real Chromium: tests/browser/queries.toml and its rules."""

import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, TimeoutError, expect

from tests.browser.server import served
from tests.conftest import PROJECT
from tests.site.test_html import LANGUAGES, PAGES, parsed

QUERIES: dict[str, dict[str, str]] = tomllib.loads(
    (PROJECT / "tests" / "browser" / "queries.toml").read_text(encoding="utf-8")
)
# As the theme itself does on Enter: of all links the one with the best score, the first of equals
RESULTS = """links => {
  const found = links.map(link => [
    new URL(link.href), parseFloat(link.querySelector("article").dataset.mdScore)
  ]);
  const best = found.reduce((best, next) => next[1] > best[1] ? next : best);
  return {best: best[0].pathname + best[0].hash, all: found.map(([url]) => url.pathname + url.hash)};
}"""

every_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture
def view(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


def search(view: Page, query: str) -> dict[str, Any]:
    """Type a query; gives what Enter would open, and all results, in order."""
    box = view.locator(".md-search__input")
    items = view.locator(".md-search-result__item")
    box.fill("")
    box.press("End")  # the theme listens to keys
    expect(items).to_have_count(0)
    box.fill(query)
    box.press("End")
    try:
        items.first.wait_for(timeout=10_000)
    except TimeoutError:
        return {"best": "nothing", "all": []}
    found: dict[str, Any] = view.locator(".md-search-result__link").evaluate_all(RESULTS)
    return found


def places(site: Path, language: str, target: str) -> set[str]:
    """The addresses inside a language that count as a part: the heading and those below it."""
    page, _, wanted = target.partition("#")
    headings = parsed(site, language, page).select("article :is(h1, h2, h3, h4)[id]")
    names = [str(heading["id"]) for heading in headings]
    if not wanted:
        taught = {f"{page}#{id}" for id in names if not re.match("exercise|summary$", id)}
        return taught | {page}
    first = names.index(wanted)
    inside = {target}
    for heading in headings[first + 1 :]:
        if heading.name <= headings[first].name:
            break
        inside.add(f"{page}#{heading['id']}")
    return inside


@every_language
def test_each_query_finds_its_part_first_and_stays_in_its_language(
    view: Page, address: str, site: Path, language: str
) -> None:
    assert len(QUERIES[language]) >= 30
    root = f"/{LANGUAGES[language]}"
    view.goto(address + LANGUAGES[language])
    wrong = []
    for query, target in QUERIES[language].items():
        found = search(view, query)
        if found["best"].removeprefix(root) not in places(site, language, target):
            wrong.append(f"{query}: {found['best']} instead of {target}")
        known = tuple(root + page for page in PAGES if page)
        strangers = [url for url in found["all"] if not url.startswith((*known, f"{root}#"))]
        wrong += [f"{query}: {url} is of the other language" for url in strangers if url != root]
    assert wrong == []


def test_american_spelling_finds_what_british_spelling_finds(view: Page, address: str) -> None:
    table = resources.files("codespell_lib") / "data" / "dictionary_en-GB_to_en-US.txt"
    american = dict(
        line.split("->") for line in table.read_text(encoding="utf-8").split() if "," not in line
    )
    text = "".join(path.read_text(encoding="utf-8") for path in PROJECT.glob("docs/en/*.md"))
    text = re.sub(r"```.*?```|`.*?`|\balt=\".*?\"", "", text, flags=re.DOTALL)
    british = sorted(set(re.findall(r"[a-z]+", text.lower())) & american.keys())
    assert {"optimiser", "initialisation"} <= set(british)
    view.goto(f"{address}en/")
    assert [word for word in british if search(view, word) != search(view, american[word])] == []


@every_language
def test_the_search_works_with_keys_alone_in_any_folder(
    view: Page, site: Path, tmp_path: Path, language: str
) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "where").symlink_to(site, target_is_directory=True)
    with served(tmp_path) as address:
        root = f"{address}some/where/{LANGUAGES[language]}"
        view.goto(f"{root}gpu/")
        box = view.locator(".md-search__input")
        view.keyboard.press("/")
        expect(box).to_be_focused()
        view.keyboard.type("load_state_dict")
        links = view.locator(".md-search-result__link")
        links.first.wait_for()
        view.keyboard.press("ArrowDown")
        expect(links.first).to_be_focused()
        view.keyboard.press("ArrowDown")
        expect(links.nth(1)).to_be_focused()
        view.keyboard.press("ArrowUp")
        view.keyboard.press("ArrowUp")
        expect(box).to_be_focused()
        view.keyboard.press("Enter")
        view.wait_for_url(re.compile("#model-parameters$"))
        assert view.url.startswith(f"{root}saving-and-loading/")
        view.keyboard.press("s")
        expect(box).to_be_focused()
        view.keyboard.press("Escape")
        expect(box).not_to_be_focused()


def test_words_in_quotes_are_all_required(view: Page, address: str) -> None:
    view.goto(f"{address}en/")
    loose, strict = search(view, "does not require grad"), search(view, '"does not require grad"')
    assert 0 < len(strict["all"]) < len(loose["all"])


def test_a_word_found_in_several_forms_is_marked_once(view: Page, address: str) -> None:
    view.goto(f"{address}en/")
    search(view, "state dict load_state_dict")
    results = view.locator(".md-search-result__list")
    assert results.locator("mark").count() > 0
    assert results.locator("mark mark").count() == 0
    assert "mark>" not in results.inner_text()


@every_language
def test_a_query_without_a_word_or_a_hit_is_harmless(
    view: Page, address: str, language: str
) -> None:
    errors: list[str] = []
    view.on("pageerror", lambda error: errors.append(str(error)))
    view.goto(address + LANGUAGES[language])
    assert search(view, "load_state_dict")["all"]
    meta = view.locator(".md-search-result__meta")
    for query in ("xyzzy", '+ - ~ ^ * : "', "的", "a"):
        view.locator(".md-search__input").fill(query)
        view.locator(".md-search__input").press("End")
        expect(meta).not_to_be_empty()
    assert search(view, "load_state_dict")["all"]
    assert errors == []
