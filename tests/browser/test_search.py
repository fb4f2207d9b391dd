"""What readers type into the search box, in a real Chromium: queries.toml and everyday.toml, with their rules."""

import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from operator import ge
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.looking import tab
from tests.helpers.projects import PROJECT
from tests.helpers.site import LANGUAGES, PAGES, attribute, every_language, parsed

QUERIES: dict[str, dict[str, list[str]]] = tomllib.loads(
    (PROJECT / "tests" / "browser" / "queries.toml").read_text(encoding="utf-8")
)
EVERYDAY: dict[str, dict[str, list[str]]] = tomllib.loads(
    (PROJECT / "tests" / "browser" / "everyday.toml").read_text(encoding="utf-8")
)
# Of how many of each group the right part comes first: of the questions that were looked at while the search was
# tuned, of the others, of the headings of public threads, of the questions that came later and were looked at, of
# the others of these, and of those that were written last, of which one was looked at, in English. No change may fall behind.
FIRST = {"zh": (29, 27, 17, 15, 12, 38), "en": (26, 28, 16, 15, 16, 35)}
# Types queries, one after the other, and waits for the results of each. What Enter would open is, as
# in the theme's own script, the link with the best score, the first of equals.
SEARCH = """async queries => {
  const box = document.querySelector(".md-search__input")
  const list = document.querySelector(".md-search-result__list")
  const type = (text, done) => new Promise(resolve => {
    const answer = () => {
      if (!done()) return
      watch.disconnect()
      clearTimeout(late)
      resolve()
    }
    const watch = new MutationObserver(answer)
    watch.observe(list, { childList: true })
    const late = setTimeout(() => { watch.disconnect(); resolve() }, 10_000)
    box.value = text
    box.dispatchEvent(new KeyboardEvent("keyup"))
    answer()
  })
  box.focus()
  const all = {}
  for (const query of queries) {
    await type("", () => !list.children.length)
    await type(query, () => list.children.length)
    const found = [...list.querySelectorAll(".md-search-result__link")].map(link => [
      new URL(link.href), parseFloat(link.querySelector("article").dataset.mdScore)
    ])
    const best = found.reduce((best, next) => next[1] > best[1] ? next : best, found[0])
    all[query] = {
      best: best ? best[0].pathname + best[0].hash : "nothing",
      all: found.map(([url]) => url.pathname + url.hash),
    }
  }
  return all
}"""

# Asks the worker itself, which decides what comes first; a page takes four times as long to show all results.
ASK = """async queries => {
  const { base, search } = JSON.parse(document.getElementById("__config").textContent)
  document.querySelector(".md-search__input").focus() // the worker waits for that
  const index = await fetch(new URL(`${base}/search/search_index.json`, location))
  const worker = new Worker(new URL(search, location))
  const ask = (type, data, answer) => new Promise(resolve => {
    const listen = ({ data: message }) => {
      if (message.type !== answer) return
      worker.removeEventListener("message", listen)
      resolve(message.data)
    }
    worker.addEventListener("message", listen)
    worker.postMessage({ type, data })
  })
  await ask(0, { ...await index.json(), options: { suggest: false } }, 1)
  const all = {}
  for (const query of queries) {
    const found = (await ask(2, query, 3)).items.flat()
    const best = found.reduce((best, next) => next.score > best.score ? next : best, found[0])
    all[query] = { best: best ? best.location : "nothing", all: found.map(({ location }) => location) }
  }
  return all
}"""


@pytest.fixture(scope="module")
def only(browser: Browser) -> Iterator[Page]:
    with tab(browser, viewport={"width": 1280, "height": 800}) as view:
        yield view


def search(view: Page, *queries: str) -> dict[str, dict[str, Any]]:
    """Type queries; gives for each what Enter would open, and all results, in order."""
    found: dict[str, dict[str, Any]] = view.evaluate(SEARCH, queries)
    return found


def ask(view: Page, *queries: str) -> dict[str, dict[str, Any]]:
    """Ask the worker of a page; gives for each query what comes first, and all results, from the root of the language."""
    found: dict[str, dict[str, Any]] = view.evaluate(ASK, queries)
    return found


def places(site: Path, language: str, target: str) -> set[str]:
    """The addresses inside a language that count as a part: the heading and those below it."""
    page, _, wanted = target.partition("#")
    headings = parsed(site, language, page).css("article :is(h1, h2, h3, h4)[id]")
    names = [attribute(heading, "id") for heading in headings]
    if not wanted:
        taught = {f"{page}#{id}" for id in names if not re.match("exercise|summary$", id)}
        return taught | {page}
    first = names.index(wanted)
    inside = {target}
    for heading in headings[first + 1 :]:
        if str(heading.tag) <= str(headings[first].tag):
            break
        inside.add(f"{page}#{heading.id}")
    return inside


@every_language
def test_each_query_finds_its_part_first_and_stays_in_its_language(
    view: Page, address: str, site: Path, language: str
) -> None:
    assert len(QUERIES[language]) >= 30
    view.goto(address + LANGUAGES[language])
    wrong = []
    for query, found in ask(view, *QUERIES[language]).items():
        targets = QUERIES[language][query]
        if not any(found["best"] in places(site, language, target) for target in targets):
            wrong.append(f"{query}: {found['best']} instead of {' or '.join(targets)}")
        known = ("#", *(page for page in PAGES if page))
        strangers = [url for url in found["all"] if url and not url.startswith(known)]
        wrong += [f"{query}: {url} is of the other language" for url in strangers]
    assert wrong == []


@every_language
def test_the_box_shows_what_the_worker_found(view: Page, address: str, language: str) -> None:
    root = urlsplit(address).path + LANGUAGES[language]
    view.goto(address + LANGUAGES[language])
    queries = [*QUERIES[language]][::10]
    asked, shown = ask(view, *queries), search(view, *queries)
    assert {query: root + asked[query]["best"] for query in queries} == {
        query: shown[query]["best"] for query in queries
    }
    assert all(url.startswith(root) for found in shown.values() for url in found["all"])


@every_language
def test_the_words_of_learners_lead_to_the_part_that_answers(
    view: Page, address: str, site: Path, language: str
) -> None:
    view.goto(address + LANGUAGES[language])
    questions, titles = EVERYDAY[language], EVERYDAY[f"{language}-titles"]
    later = EVERYDAY[f"{language}-later"]
    assert len(questions) == 60
    fresh = EVERYDAY[f"{language}-fresh"]
    wanted = questions | titles | later | fresh
    wrong: dict[str, str] = {}
    for query, found in ask(view, *wanted).items():
        if not any(found["best"] in places(site, language, target) for target in wanted[query]):
            wrong[query] = found["best"]
    groups = (
        *([*questions][half::2] for half in (0, 1)),
        [*titles],
        *([*later][half::2] for half in (0, 1)),
        [*fresh],
    )
    right = tuple(sum(query not in wrong for query in group) for group in groups)
    assert all(map(ge, right, FIRST[language])), f"{right}: {wrong}"


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
    found = ask(view, *british, *(american[word] for word in british))
    assert [word for word in british if found[word] != found[american[word]]] == []


@every_language
def test_the_search_works_with_keys_alone(view: Page, address: str, language: str) -> None:
    root = f"{address}{LANGUAGES[language]}"
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
    expect(
        view.locator("#__search")
    ).to_be_checked()  # until then the theme takes keys as the page's
    view.keyboard.press("Escape")
    expect(box).not_to_be_focused()


def test_words_in_quotes_are_all_required(view: Page, address: str) -> None:
    view.goto(f"{address}en/")
    loose, strict = search(view, "does not require grad", '"does not require grad"').values()
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
    assert search(view, "load_state_dict")["load_state_dict"]["all"]
    meta = view.locator(".md-search-result__meta")
    for query in ("xyzzy", '+ - ~ ^ * : "', "的", "a"):
        view.locator(".md-search__input").fill(query)
        view.locator(".md-search__input").press("End")
        expect(meta).not_to_be_empty()
    assert search(view, "load_state_dict")["load_state_dict"]["all"]
    assert errors == []
