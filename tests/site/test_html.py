"""The built HTML of the real site, in both languages."""

import gzip
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from proven.project import read_project
from proven.reading import letters, measure
from proven.settings import read_settings
from tests.helpers.projects import PROJECT
from tests.helpers.site import (
    HAN,
    LANGUAGES,
    PAGES,
    SECTIONS,
    anchors,
    attribute,
    every_language,
    every_page,
    one,
    parsed,
    report,
    search_index,
    shown,
    snippet_rows,
)

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
    "own-module": ["own-module"],
}

every_section = pytest.mark.parametrize("page", SECTIONS)


def under(tree: LexborHTMLParser, heading: LexborNode) -> list[LexborNode]:
    """What stands between a heading and the next one of its level or above, so far as it matters."""
    level = int((heading.tag or "")[1])
    elements = tree.css("h1, h2, h3, h4, [data-snippet], details")
    found = []
    for element in elements[elements.index(heading) + 1 :]:
        if re.fullmatch(rf"h[1-{level}]", element.tag or ""):
            break
        found.append(element)
    return found


def snippets(elements: list[LexborNode]) -> list[LexborNode]:
    return [element for element in elements if "data-snippet" in element.attributes]


def texts(tag: LexborNode, selector: str) -> list[str]:
    return [found.text() for found in tag.css(selector)]


@every_language
def test_the_same_sections_are_in_the_navigation_on_the_home_page_and_on_that_of_claims(
    site: Path, language: str
) -> None:
    home = parsed(site, language, "")
    links = home.css(".md-nav--primary a.md-nav__link[href]")
    pages = [attribute(link, "href").strip("./") for link in links]
    rows = home.css("article td:first-child a")
    claims = parsed(site, language, "claims/").css("article h2[id]")
    assert [page for page in pages if page in SECTIONS] == SECTIONS
    assert [attribute(row, "href").strip("./") for row in rows] == SECTIONS
    assert [attribute(heading, "id") for heading in claims] == ["home", *SECTIONS, "errata"]
    assert PARTS.keys() <= set(SECTIONS)


@every_language
def test_the_home_page_tells_the_minutes_of_each_section(language: str) -> None:
    pages = read_project(read_settings(PROJECT)).pages[language]
    unit = {"zh": "分钟", "en": "min"}[language]
    told, home = set(), pages["index.md"]
    for number, line in enumerate(home.text.splitlines(), 1):
        if not (minutes := re.search(rf"(\d+) {unit}", line)):
            continue
        linked = re.findall(r"\]\(([\w-]+)\.md\)", line)[0]
        core, _ = measure(pages[f"{linked}.md"])
        assert int(minutes[1]) == core.minutes, f"{home.at(number)}: write {core.minutes} {unit}"
        told.add(linked)
    assert told >= PARTS.keys()


@every_language
@every_section
def test_each_numbered_part_is_there_and_has_executed_output(
    site: Path, language: str, page: str
) -> None:
    tree = parsed(site, language, f"{page}/")
    headings = {attribute(tag, "id"): tag for tag in tree.css("article :is(h1, h2)[id]")}
    numbered = [name for name, tag in headings.items() if re.match(r"\d+\.\d", tag.text())]
    assert numbered == PARTS.get(page, numbered)
    for name in numbered or [next(iter(headings))]:
        ran = [
            snippet
            for snippet in snippets(under(tree, headings[name]))
            if snippet.attributes["data-state"] in {"ran", "raised"} and snippet.css("samp, svg")
        ]
        assert ran, f"{name} shows no output that this build made"


@every_language
def test_every_snippet_stands_on_a_page_with_what_this_build_did(site: Path, language: str) -> None:
    rows = snippet_rows(site)
    project = read_project(read_settings(PROJECT))
    records = {f"snippets/records/{record.filename}": record for record in project.records}
    seen: list[str] = []
    for page in PAGES:
        for element in shown(parsed(site, language, page)):
            name = attribute(element, "data-snippet")
            seen.append(name)
            state = rows[name]["state"]
            record = rows[name].get("record")
            assert element.attributes["data-state"] == ("recorded" if record else state)
            assert element.css_first(".highlight code"), f"{name} shows no source"
            assert bool(element.css(".snippet-skip")) == (state == "skipped" and not record)
            if record:  # what a machine with the devices said stands there, and nothing else
                did = records[record].outcomes[name]
                told = [text.rstrip() for text in (did.output, did.error) if text]
                assert texts(element, "samp") == told
                assert len(element.css("figure svg")) == len(did.figures)
                (label,) = texts(element, ".snippet-machine")
                assert all(
                    word in label
                    for word in (records[record].date, *records[record].machine.devices)
                )
                state = did.state
            elif state == "skipped":
                assert not element.css("samp, svg")
            assert bool(element.css(".snippet-error")) == (state == "raised")
    assert Counter(seen) == Counter(list(project.snippets))
    assert set(seen) == set(rows)


@every_page
def test_both_languages_show_the_same_outputs_in_the_same_order(site: Path, page: str) -> None:
    def outputs(language: str) -> list[tuple[str, list[str]]]:
        tags = shown(parsed(site, language, page))
        return [(attribute(tag, "data-snippet"), texts(tag, "samp")) for tag in tags]

    assert outputs("zh") == outputs("en")


@every_page
def test_both_languages_have_the_same_headings(site: Path, page: str) -> None:
    def headings(language: str) -> list[tuple[str | None, str]]:
        tags = parsed(site, language, page).css("article :is(h1, h2, h3, h4)")
        return [(tag.tag, attribute(tag, "id")) for tag in tags]

    assert headings("zh") == headings("en")


@every_language
def test_code_shows_the_comments_of_its_language_only(site: Path, language: str) -> None:
    comments = [
        comment
        for page in PAGES
        for snippet in shown(parsed(site, language, page))
        for comment in texts(snippet, ".highlight .c1")
    ]
    assert comments
    assert [c for c in comments if " | " in c or (HAN.search(c) and language == "en")] == []


@every_language
@every_page
def test_no_traceback_no_raw_json_and_no_duplicate_id(site: Path, language: str, page: str) -> None:
    tree = parsed(site, language, page)
    assert tree.body
    text = tree.body.text()
    assert "Traceback (most recent call last)" not in text
    assert '"cell_type"' not in text
    assert "```" not in text
    ids = Counter(attribute(tag, "id") for tag in tree.css("[id]"))
    assert [name for name, count in ids.items() if count > 1] == []


@every_language
@every_page
def test_no_link_and_no_anchor_is_dead(site: Path, language: str, page: str) -> None:
    here = f"{LANGUAGES[language]}{page}"
    for link in parsed(site, language, page).css("[href], [src]"):
        names = ("href", "xlink:href", "src")
        address = next(attribute(link, name) for name in names if name in link.attributes)
        target = urlsplit(urljoin(f"http://site/{here}", address))
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
    tree = parsed(site, language, page)
    links = ", ".join(
        f"link[rel~={kind}]" for kind in ("stylesheet", "icon", "preload", "preconnect")
    )
    loads = [attribute(tag, "src") for tag in tree.css("[src]")]
    loads += [attribute(tag, "href") for tag in tree.css(links)]
    assert len(loads) > 2
    assert [load for load in loads if urlsplit(load).netloc] == []


@every_language
@every_page
def test_the_switch_leads_to_the_same_page_in_the_other_language(
    site: Path, language: str, page: str
) -> None:
    here = f"http://site/{LANGUAGES[language]}{page}"
    links = {
        attribute(tag, "hreflang"): urljoin(here, attribute(tag, "href"))
        for tag in parsed(site, language, page).css(".md-select__link[hreflang]")
    }
    assert links == {other: f"http://site/{root}{page}" for other, root in LANGUAGES.items()}


@every_language
@every_page
def test_the_foot_of_each_page_says_where_the_snippets_ran(
    site: Path, language: str, page: str
) -> None:
    data = report(site)
    foot = one(parsed(site, language, page), ".ran-on").text()
    device = data["devices"][0] if data["devices"] else "CPU"
    assert [word for word in (data["torch"], data["python"], device) if word not in foot] == []


@every_language
@every_page
def test_the_foot_tells_once_of_each_record_that_a_page_shows(
    site: Path, language: str, page: str
) -> None:
    tree = parsed(site, language, page)
    labels = {tag.text().partition(" · ")[0] for tag in tree.css(".snippet-machine")}
    recorded = {label for label in labels if re.search(r"\d{4}-\d\d-\d\d", label)}
    told = [tag.text() for tag in tree.css(".ran-on .recorded")]
    for label in recorded:
        assert sum(f"“{label}”" in text for text in told) == 1, label
    assert bool(told) == (page in ("gpu/", "errors/"))


@every_language
@every_page
def test_each_page_has_a_description_of_its_own(site: Path, language: str, page: str) -> None:
    def description(page: str) -> str:
        return attribute(one(parsed(site, language, page), "meta[name=description]"), "content")

    assert letters(description(page)) > 30, f"{page} needs a sentence as its description"
    assert [other for other in PAGES if description(other) == description(page)] == [page]


def test_the_report_counts_what_ran(site: Path) -> None:
    data = report(site)
    states = Counter(row["state"] for row in data["snippets"])
    assert states["ran"] >= 60
    if not data["devices"]:
        assert states["skipped"] >= 1
        reasons = {row.get("reason") for row in data["snippets"] if row["state"] == "skipped"}
        assert all("and this build had no CUDA device" in str(reason) for reason in reasons)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", data["date"])
    for row in data["snippets"]:
        assert re.fullmatch(r"[0-9a-f]{64}", row["sha256"])


@every_language
def test_the_search_index_holds_the_text_and_nothing_beside_it(site: Path, language: str) -> None:
    path = site / LANGUAGES[language] / "search" / "search_index.json"
    assert (
        path.stat().st_size < 900_000
    )  # a page loads it once somebody searches; 230 KB as it comes
    index = search_index(site, language)
    assert index["config"]["lang"] == [language]
    assert bool(HAN.search(" ".join(e["title"] for e in index["docs"]))) == (language == "zh")
    pages = {entry["location"].partition("#")[0] for entry in index["docs"]}
    assert pages == set(PAGES) - {"claims/", "notebooks/"}  # what they hold is elsewhere
    for entry in index["docs"]:
        text = entry["title"] + entry["text"]
        for beside in ("✓", "○", "test_", "<svg"):
            assert beside not in text, entry["location"]
        # the terms side by side, and the title of the book
        if language == "en" and entry["location"] not in ("glossary/", "about/#the-book"):
            assert not HAN.search("".join(map(str, entry.values()))), text
        for code in re.findall(r"<pre><code>(.*?)</code></pre>", text, flags=re.DOTALL):
            comments = re.findall(r"#.*", code.replace("\u200b", ""))
            assert not [c for c in comments if re.search(r"\w \| [\u4e00-\u9fff]", c)]


@every_language
def test_every_claim_is_marked_and_listed_with_what_became_of_it(site: Path, language: str) -> None:
    states = {row["name"]: row["state"] for row in report(site)["claims"]}
    assert len(states) >= 150
    marked: set[str] = set()
    for page in PAGES:
        for mark in parsed(site, language, page).css("span.claim"):
            name = urlsplit(attribute(one(mark, "a"), "href")).fragment
            marked.add(name)
            assert mark.attributes["data-state"] == states[name]
    assert marked == states.keys()
    listed = parsed(site, language, "claims/").css("ul.claims > li")
    assert {attribute(row, "id"): row.attributes["data-state"] for row in listed} == states
    folder = site / LANGUAGES[language] / "claims"
    for row in listed:
        file, _, text = attribute(one(row, "a"), "href").partition("#:~:text=")
        assert (folder / file).read_text(encoding="utf-8-sig").count(unquote(text)) == 1, row.id


@every_language
def test_claims_and_words_of_each_page_are_of_its_language(site: Path, language: str) -> None:
    for row in parsed(site, language, "claims/").css("ul.claims > li"):
        words = row.text().removesuffix(one(row, "small").text())
        assert bool(HAN.search(words)) == (language == "zh"), words


@every_language
def test_a_claim_that_needs_a_gpu_is_never_pretended(site: Path, language: str) -> None:
    data = report(site)
    tests = (site / LANGUAGES[language] / "claims").glob("test_*.txt")
    text = "".join(path.read_text(encoding="utf-8-sig") for path in tests)
    on_gpu = set(re.findall(r"^@pytest\.mark\.gpu.*\ndef test_(\w+)", text, re.MULTILINE))
    states = {row["name"]: row["state"] for row in data["claims"]}
    on_gpu &= states.keys()
    assert len(on_gpu) >= 16
    if not data["devices"]:
        assert {states[name] for name in on_gpu} <= {"skipped", "recorded"}
    assert {name for name, state in states.items() if state != "proven"} <= on_gpu


@every_language
@every_section
def test_each_section_has_exercises_whose_solutions_ran_and_a_picture(
    site: Path, language: str, page: str
) -> None:
    tree = parsed(site, language, f"{page}/")
    exercises = tree.css('h3[id^="exercise-"]')
    assert len(exercises) >= 2, f"{page} needs two exercises: ### Title {{#exercise-…}}"
    for exercise in exercises:
        # those of a single device run in any build; a solution for a GPU says that it was skipped
        below = under(tree, exercise)
        assert snippets(below), exercise.id
        solution = next(element for element in below if element.tag == "details")
        assert solution.css("[data-snippet]"), exercise.id
    pictures = [attribute(svg, "aria-label") for svg in tree.css(".snippet-figure svg[aria-label]")]
    assert pictures, f"{page} needs a figure: a cell that leaves one open"


def test_there_are_enough_exercises(site: Path) -> None:
    count = sum(len(parsed(site, "zh", f"{page}/").css('h3[id^="exercise-"]')) for page in PARTS)
    assert count >= 23


@every_language
@every_section
def test_a_section_page_is_light(site: Path, language: str, page: str) -> None:
    """What a first view takes of our own: the page, its scripts and its styles, apart from pictures."""
    path = site / LANGUAGES[language] / page / "index.html"
    tree = LexborHTMLParser(path.read_text(encoding="utf-8"))
    loaded = tree.css("script[src], link[rel=stylesheet]")
    addresses = (tag.attributes.get("src") or attribute(tag, "href") for tag in loaded)
    files = {(path.parent / urlsplit(address).path).resolve() for address in addresses}
    assert len(files) > 5
    for picture in tree.css("figure svg"):
        picture.decompose()
    parts = [(tree.html or "").encode(), *(file.read_bytes() for file in files)]
    assert sum(len(gzip.compress(part)) for part in parts) <= 110_000


@every_language
@every_page
def test_every_picture_says_what_it_shows(site: Path, language: str, page: str) -> None:
    pictures = parsed(site, language, page).css("article figure svg")
    names = [attribute(svg, "aria-label") for svg in pictures]
    assert all(names)
    assert len(set(names)) == len(names)
    assert {svg.attributes["role"] for svg in pictures} <= {"img"}


@every_language
@every_page
def test_what_readers_predict_is_asked_before_and_answered_after(
    site: Path, language: str, page: str
) -> None:
    for answer in parsed(site, language, page).css(".snippet.asks > details.answer"):
        snippet = answer.parent
        assert snippet
        name = snippet.attributes["data-snippet"]
        assert len(snippet.css("fieldset input")) > 1, name
        assert answer.css(".snippet-result"), name
        assert len(answer.css(".explained")[0].text().strip()) > 20, name
