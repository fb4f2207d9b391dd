"""The built HTML of the real site, in both languages."""

import json
import re
from collections import Counter
from copy import copy
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag

from snippets.engine.records import read_records
from snippets.engine.scripts import read_sections
from tests.conftest import PROJECT

# what chapter 5 has to have; other chapters are asked for no particular parts
PARTS = {
    "blocks": ["blocks", "custom-block", "sequential-block", "code-in-forward"],
    "parameters": [
        "parameters",
        "parameter-access",
        "parameter-initialization",
        "parameter-tying",
    ],
    "lazy-initialization": ["lazy-initialization"],
    "custom-layers": ["custom-layers", "layers-without-parameters", "layers-with-parameters"],
    "saving-and-loading": ["reading-and-writing-files", "tensors", "model-parameters"],
    "gpu": ["gpu", "devices", "tensors-on-devices", "networks-on-devices"],
    "together": ["together"],
}
DOCS = PROJECT / "docs" / "zh"
PAGES = [
    "chapter/",  # made by the build
    *("" if path.stem == "index" else f"{path.stem}/" for path in sorted(DOCS.glob("*.md"))),
]
SECTIONS = re.findall(  # the table on the home page
    r"^\| \[.*\]\(([\w-]+)\.md\) \|", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE
)
SHOWING = [*SECTIONS, "errata"]  # the pages with snippets
LANGUAGES = {"zh": "", "en": "en/"}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page or "home")
every_language = pytest.mark.parametrize("language", LANGUAGES)


@cache
def read(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(path: Path) -> set[str]:
    return {str(tag["id"]) for tag in read(path).select("[id]")}


def parsed(site: Path, language: str, page: str) -> BeautifulSoup:
    return read(site / LANGUAGES[language] / page / "index.html")


def report(site: Path) -> dict[str, dict[str, str]]:
    rows = json.loads((site / "build.json").read_text(encoding="utf-8"))["snippets"]
    return {row["name"]: row for row in rows}


def shown(soup: BeautifulSoup) -> list[Tag]:
    return soup.select("[data-snippet]")


def under(heading: Tag, level: int) -> list[Tag]:
    """The snippets between a heading and the next one of its level or above."""
    found = []
    for element in heading.find_all_next():
        if re.fullmatch(rf"h[1-{level}]", element.name):
            break
        if element.has_attr("data-snippet"):
            found.append(element)
    return found


@every_language
def test_the_same_sections_are_in_the_navigation_on_the_home_page_and_on_that_of_claims(
    site: Path, language: str
) -> None:
    links = parsed(site, language, "").select(".md-nav--primary a.md-nav__link[href]")
    pages = [str(link["href"]).strip("./") for link in links]
    rows = parsed(site, language, "").select("article td:first-child a")
    claims = parsed(site, language, "claims/").select("article h2[id]")
    assert [page for page in pages if page in SECTIONS] == SECTIONS
    assert [str(row["href"]).strip("./") for row in rows] == SECTIONS
    assert [str(heading["id"]) for heading in claims] == SECTIONS
    assert PARTS.keys() <= set(SECTIONS)


@every_language
@pytest.mark.parametrize("page", SECTIONS)
def test_each_numbered_part_is_there_and_has_executed_output(
    site: Path, language: str, page: str
) -> None:
    soup = parsed(site, language, f"{page}/")
    headings = {str(tag["id"]): tag for tag in soup.select("article :is(h1, h2)[id]")}
    numbered = [name for name, tag in headings.items() if re.match(r"\d+\.\d", tag.get_text())]
    assert numbered == PARTS.get(page, numbered)
    for name in numbered or [next(iter(headings))]:
        heading = headings[name]
        ran = [
            snippet
            for snippet in under(heading, int(heading.name[1]))
            if snippet["data-state"] in {"ran", "raised"} and snippet.select("samp, svg")
        ]
        assert ran, f"{name} shows no output that this build made"


@every_language
def test_every_snippet_stands_on_a_page_with_what_this_build_did(site: Path, language: str) -> None:
    states = report(site)
    records = read_records(PROJECT / "snippets" / "records")
    recorded = {f"snippets/records/{record.filename}": record for record in records}
    seen: list[str] = []
    for page in PAGES:
        for element in shown(parsed(site, language, page)):
            name = str(element["data-snippet"])
            seen.append(name)
            state = states[name]["state"]
            record = states[name].get("record")
            assert element["data-state"] == ("recorded" if record else state)
            assert element.select_one(".highlight code"), f"{name} shows no source"
            assert bool(element.select(".snippet-skip")) == (state == "skipped")
            if record:  # what a machine with the devices said stands there, and nothing else
                did = recorded[record].outcomes[name]
                told = [text.rstrip() for text in (did.output, did.error) if text]
                assert [samp.get_text() for samp in element.select("samp")] == told
                assert len(element.select("figure svg")) == len(did.figures)
                state = did.state
            elif state == "skipped":
                assert not element.select("samp, svg")
            assert bool(element.select(".snippet-error")) == (state == "raised")
    sections = read_sections(PROJECT / "snippets").values()
    assert Counter(seen) == Counter(s.name for section in sections for s in section.snippets)
    assert set(seen) == set(states)


@every_page
def test_both_languages_show_the_same_outputs_in_the_same_order(site: Path, page: str) -> None:
    def texts(language: str) -> list[tuple[str, list[str]]]:
        soup = parsed(site, language, page)
        return [
            (str(s["data-snippet"]), [samp.get_text() for samp in s.select("samp")])
            for s in shown(soup)
        ]

    assert texts("zh") == texts("en")


@every_page
def test_both_languages_have_the_same_headings(site: Path, page: str) -> None:
    def headings(language: str) -> list[tuple[str, str]]:
        soup = parsed(site, language, page)
        return [(h.name, str(h.get("id"))) for h in soup.select("article :is(h1,h2,h3,h4)")]

    assert headings("zh") == headings("en")
    assert all(name != "None" for _, name in headings("zh"))


@every_language
def test_code_shows_the_comments_of_its_language_only(site: Path, language: str) -> None:
    for page in PAGES:
        for element in shown(parsed(site, language, page)):
            for comment in element.select(".highlight .c1"):
                han = bool(re.search(r"[\u4e00-\u9fff]", comment.get_text()))
                assert " | " not in comment.get_text()
                assert not (han and language == "en"), comment.get_text()


@every_language
@every_page
def test_no_traceback_no_raw_json_and_no_duplicate_id(site: Path, language: str, page: str) -> None:
    soup = parsed(site, language, page)
    text = soup.get_text()
    assert "Traceback (most recent call last)" not in text
    assert '"cell_type"' not in text
    assert "```" not in text
    ids = Counter(str(tag["id"]) for tag in soup.select("[id]"))
    assert [name for name, count in ids.items() if count > 1] == []


@every_language
@every_page
def test_no_link_and_no_anchor_is_dead(site: Path, language: str, page: str) -> None:
    here = f"{LANGUAGES[language]}{page}"
    for link in parsed(site, language, page).select("[href], [src]"):
        target = urlsplit(urljoin(f"http://site/{here}", str(link.get("href") or link["src"])))
        if target.netloc != "site":
            continue
        path = site / unquote(target.path).lstrip("/")
        path = path / "index.html" if path.is_dir() else path
        assert path.is_file(), f"{here} links to {target.path}"
        if target.fragment and path.suffix == ".html":
            assert unquote(target.fragment) in anchors(path) | {"__comments"}, (
                f"{here} links to {target.path}#{target.fragment}"
            )


@every_language
@every_page
def test_nothing_is_loaded_from_another_host(site: Path, language: str, page: str) -> None:
    soup = parsed(site, language, page)
    loads = [
        *(tag["src"] for tag in soup.select("[src]")),
        *(tag["href"] for tag in soup.select("link[rel~=stylesheet], link[rel~=icon]")),
        *(tag["href"] for tag in soup.select("link[rel~=preload], link[rel~=preconnect]")),
    ]
    assert loads
    assert not [load for load in loads if urlsplit(str(load)).netloc]


@every_language
@every_page
def test_the_switch_leads_to_the_same_page_in_the_other_language(
    site: Path, language: str, page: str
) -> None:
    here = f"http://site/{LANGUAGES[language]}{page}"
    links = {
        str(tag["hreflang"]): urljoin(here, str(tag["href"]))
        for tag in parsed(site, language, page).select(".md-select__link[hreflang]")
    }
    assert links == {other: f"http://site/{root}{page}" for other, root in LANGUAGES.items()}


@every_language
@every_page
def test_the_foot_of_each_page_says_where_the_snippets_ran(
    site: Path, language: str, page: str
) -> None:
    data = json.loads((site / "build.json").read_text(encoding="utf-8"))
    foot = parsed(site, language, page).select_one(".ran-on")
    assert foot
    device = data["devices"][0] if data["devices"] else "CPU"
    for word in (data["torch"], data["python"], device):
        assert word in foot.get_text()


@every_language
@every_page
def test_each_page_has_a_description_of_its_own(site: Path, language: str, page: str) -> None:
    def description(page: str) -> str:
        tag = parsed(site, language, page).select_one("meta[name=description]")
        assert tag
        return str(tag["content"])

    assert len(description(page)) > 15
    assert [other for other in PAGES if description(other) == description(page)] == [page]


def test_the_report_counts_what_ran(site: Path) -> None:
    data = json.loads((site / "build.json").read_text(encoding="utf-8"))
    states = Counter(row["state"] for row in data["snippets"])
    assert states["ran"] >= 60
    if not data["devices"]:
        assert states["skipped"] >= 1
        reasons = {row.get("reason") for row in data["snippets"] if row["state"] == "skipped"}
        assert all("CUDA device(s), and there were 0" in str(reason) for reason in reasons)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", data["date"])
    for row in data["snippets"]:
        assert re.fullmatch(r"[0-9a-f]{64}", row["sha256"])


@every_language
def test_each_language_has_a_search_index_of_its_own(site: Path, language: str) -> None:
    path = site / LANGUAGES[language] / "search" / "search_index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    assert index["config"]["lang"] == [language]
    text = " ".join(entry["title"] for entry in index["docs"])
    assert bool(re.search(r"[\u4e00-\u9fff]", text)) == (language == "zh")


@every_language
def test_the_search_index_holds_the_text_and_nothing_beside_it(site: Path, language: str) -> None:
    path = site / LANGUAGES[language] / "search" / "search_index.json"
    assert path.stat().st_size < 500_000  # every page loads it
    entries = json.loads(path.read_text(encoding="utf-8"))["docs"]
    pages = {entry["location"].partition("#")[0] for entry in entries}
    assert pages == set(PAGES) - {"claims/", "chapter/"}  # what they hold is elsewhere
    for entry in entries:
        text = entry["title"] + entry["text"]
        for beside in ("✓", "○", "test_", "<svg"):
            assert beside not in text, entry["location"]
        # the terms side by side, and the title of the book
        if language == "en" and entry["location"] not in ("glossary/", "about/#the-book"):
            assert not re.search(r"[\u4e00-\u9fff]", json.dumps(entry, ensure_ascii=False)), text
        for code in re.findall(r"<pre><code>(.*?)</code></pre>", text, flags=re.DOTALL):
            comments = re.findall(r"#.*", code.replace("\u200b", ""))
            assert not [c for c in comments if re.search(r"\w \| [\u4e00-\u9fff]", c)]


@every_language
def test_every_claim_is_marked_and_listed_with_what_became_of_it(site: Path, language: str) -> None:
    rows = json.loads((site / "build.json").read_text(encoding="utf-8"))["claims"]
    states = {row["name"]: row["state"] for row in rows}
    assert len(states) >= 150
    marked: set[str] = set()
    for page in PAGES:
        for mark in parsed(site, language, page).select("[data-claim]"):
            name = str(mark["data-claim"])
            marked.add(name)
            assert mark["data-state"] == states[name]
            link = mark.select_one("a")
            assert link
            assert urlsplit(str(link["href"])).fragment == name
    assert marked == states.keys()
    listed = parsed(site, language, "claims/").select("ul.claims > li")
    assert {str(row["id"]): row["data-state"] for row in listed} == states
    assert all(f"def test_{row['id']}" in row.get_text() for row in listed)


@every_language
def test_claims_and_words_of_each_page_are_of_its_language(site: Path, language: str) -> None:
    for row in parsed(site, language, "claims/").select("ul.claims > li"):
        words = copy(row)  # the page is parsed once for all tests
        for part in words.select("details"):
            part.extract()
        assert bool(re.search(r"[\u4e00-\u9fff]", words.get_text())) == (language == "zh")


@every_language
def test_a_claim_that_needs_a_gpu_is_never_pretended(site: Path, language: str) -> None:
    data = json.loads((site / "build.json").read_text(encoding="utf-8"))
    listed = parsed(site, language, "claims/").select("ul.claims > li")
    on_gpu = [str(row["id"]) for row in listed if "@pytest.mark.gpu" in row.get_text()]
    assert len(on_gpu) >= 16
    states = {row["name"]: row["state"] for row in data["claims"]}
    if not data["devices"]:
        assert {states[name] for name in on_gpu} <= {"skipped", "recorded"}
    assert {name for name, state in states.items() if state != "proven"} <= set(on_gpu)


@every_language
@pytest.mark.parametrize("page", SECTIONS)
def test_each_section_has_exercises_whose_solutions_ran_and_a_picture(
    site: Path, language: str, page: str
) -> None:
    soup = parsed(site, language, f"{page}/")
    exercises = soup.select('h3[id^="exercise-"]')
    assert len(exercises) >= 2
    for exercise in exercises:
        # those of a single device run in any build; a solution for a GPU says that it was skipped
        assert under(exercise, 3), exercise["id"]
        solution = exercise.find_next("details")
        assert isinstance(solution, Tag)
        assert solution.select("[data-snippet]"), exercise["id"]
    pictures = soup.select(".snippet-figure svg[aria-label]")
    assert pictures
    assert all(len(str(picture["aria-label"])) > 20 for picture in pictures)


def test_there_are_enough_exercises(site: Path) -> None:
    count = sum(len(parsed(site, "zh", f"{page}/").select('h3[id^="exercise-"]')) for page in PARTS)
    assert count >= 23


@every_language
@every_page
def test_what_readers_predict_is_asked_before_and_answered_after(
    site: Path, language: str, page: str
) -> None:
    for folded in parsed(site, language, page).select("details.snippet-fold"):
        if folded.select(".highlight"):
            continue  # code that draws
        snippet = folded.find_parent(class_="snippet")
        assert snippet
        before, answer = snippet.find_previous_sibling(), snippet.find_next_sibling()
        assert before
        assert answer
        assert "question" in (before.get("class") or []), snippet["data-snippet"]
        assert answer.name in {"p", "ul", "ol"}, snippet["data-snippet"]
