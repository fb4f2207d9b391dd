"""Finished pages: held against their Markdown, linked to the other languages, given a policy."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from proven import html
from proven.finish import POLICY, finish, finish_page, write_files
from proven.problems import ProjectError
from proven.project import read_project
from proven.runner import run
from proven.views import Site
from tests.helpers.faults import EN, ZH, edit, fails, place, read, sound
from tests.helpers.projects import Project, mkdocs_here, page


@pytest.fixture
def site(project: Project) -> Site:
    """A project of one snippet, `print("hello")`, which has run."""
    read = read_project(project.read_settings())
    return Site(read, run(read.settings, read.sections.values()), ("index.md",), {})


@pytest.mark.parametrize("downloads", [True, False])
def test_the_offer_of_the_whole_site_is_there_where_it_can_be_downloaded(
    site: Site, tmp_path: Path, downloads: bool
) -> None:
    path = tmp_path / "404.html"
    path.write_text('<html><body><p class="online">all</p><p>text</p></body></html>', "utf-8")
    finish_page(replace(site, downloads=downloads), None, path, policy=False)
    shown = [node.text() for node in LexborHTMLParser(path.read_text("utf-8")).css("p")]
    assert shown == (["all", "text"] if downloads else ["text"])


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def policy_of(site: Site, folder: Path, head: str, body: str = "") -> tuple[str, str]:
    """Write a page that shows nothing of the project; return it and its policy."""
    path = folder / "404.html"
    path.write_text(f"<!doctype html><html><head>{head}</head><body>{body}</body></html>", "utf-8")
    finish_page(site, None, path, policy=True)
    text = path.read_text(encoding="utf-8")
    [meta] = LexborHTMLParser(text).css(POLICY)
    return text, meta.attributes["content"] or ""


def directive(policy: str, name: str) -> str:
    return dict(part.split(" ", 1) for part in policy.split("; "))[name]


def test_scripts_and_styles_in_the_page_are_named_by_their_hashes(
    site: Site, tmp_path: Path
) -> None:
    page, policy = policy_of(
        site,
        tmp_path,
        "<meta charset='utf-8'><script>let a = 1 && 2</script><script src='x.js'></script>"
        '<script type="application/json">{}</script><style>p{}</style>',
    )
    assert directive(policy, "script-src") == f"'self' {digest('let a = 1 && 2')}"
    assert directive(policy, "style-src") == f"'self' {digest('p{}')}"
    assert directive(policy, "default-src") == "'none'"
    assert "unsafe" not in policy
    assert page.index("charset") < page.index("Content-Security-Policy") < page.index("<script>")


def test_a_style_attribute_is_allowed_by_its_hash_only(site: Site, tmp_path: Path) -> None:
    body = "<p style='color: &quot;x&quot;'>text</p>"
    _, policy = policy_of(site, tmp_path, "<meta charset='utf-8'>", body)
    allowed = digest('color: "x"')
    assert directive(policy, "style-src-attr") == f"'unsafe-hashes' {allowed}"


def test_a_page_that_is_finished_twice_has_one_policy(site: Site, tmp_path: Path) -> None:
    text, policy = policy_of(site, tmp_path, "<meta charset='utf-8'>")
    path = tmp_path / "404.html"
    path.write_text(text.replace("</head>", "<style>b{}</style></head>"), encoding="utf-8")
    finish_page(site, None, path, policy=True)
    [meta] = LexborHTMLParser(path.read_text(encoding="utf-8")).css(POLICY)
    assert meta.attributes["content"] != policy
    assert digest("b{}") in str(meta.attributes["content"])


HEAD = '<!doctype html><html><head><meta charset="utf-8"></head><body>'
SHOWN = '<div class="snippet" data-snippet="part.one"></div>'


def written(folder: Path, pages: Iterable[tuple[str, str]]) -> None:
    for name, body in pages:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{HEAD}{body}</body></html>", encoding="utf-8")


def test_a_page_that_the_site_leaves_out_is_named(site: Site, tmp_path: Path) -> None:
    made = html.snippet(site.view("part.one", "en"), "", site.words("en"))
    told = """<template data-made='[["h1", "T"]]'></template>"""
    written(tmp_path, [("en/index.html", f'<h1 id="title">T</h1>{made}{told}'), ("404.html", "")])
    finish(site, "en", tmp_path)
    with pytest.raises(ProjectError, match=r"the site leaves the page out\n  at       docs/zh/ind"):
        finish(site, "zh", tmp_path)


@pytest.mark.parametrize(
    ("body", "what", "line"),
    [
        ("", "does not show the snippets that its fences name", 3),
        (SHOWN * 2, "does not show the snippets that its fences name", 4),
        (
            f'{SHOWN}<span class="claim" data-claim="made_up"></span>',
            "does not show the marks of claims that stand in its Markdown",
            1,
        ),
    ],
)
def test_a_page_that_shows_other_things_than_its_markdown_names_is_refused(
    site: Site, tmp_path: Path, body: str, what: str, line: int
) -> None:
    written(tmp_path, [("en/index.html", body)])
    with pytest.raises(ProjectError) as caught:
        finish(site, "en", tmp_path)
    [problem] = caught.value.problems
    assert what in problem.what
    assert problem.places == (f"docs/en/index.md:{line}",)


def test_files_are_written_where_they_are_not_there_in_the_same_form(tmp_path: Path) -> None:
    files = {"same.txt": b"same", "folder/new.txt": b"new", "other.txt": b"now"}
    (tmp_path / "same.txt").write_bytes(b"same")
    (tmp_path / "other.txt").write_bytes(b"before")
    before = (tmp_path / "same.txt").stat().st_mtime_ns
    write_files(tmp_path, files)
    assert {name: (tmp_path / name).read_bytes() for name in files} == files
    assert (tmp_path / "same.txt").stat().st_mtime_ns == before


# --- whole builds


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the sound project."""
    project = sound(tmp_path_factory.mktemp("finish") / "project")
    for name in ("mkdocs.yml", "mkdocs.en.yml"):
        edit(project, name, "  - attr_list\n", "  - attr_list\n  - toc: {permalink: true}\n")
    done = mkdocs_here(project.folder, "build")
    assert done.returncode == 0, done.stdout
    return project.folder / "site"


@pytest.mark.parametrize(
    ("path", "language", "url", "name"),
    [
        ("index.html", "en", "en/#second", "English"),
        ("en/index.html", "zh", "../#second", "中文"),
        ("claims/index.html", "en", "../en/claims/#claims", "English"),
    ],
)
def test_headings_lead_to_themselves_in_the_other_language(
    built: Path, path: str, language: str, url: str, name: str
) -> None:
    tree = LexborHTMLParser((built / path).read_text(encoding="utf-8"))
    links = tree.css("a.headerlink[hreflang]")
    assert len(links) == len(tree.css("a.headerlink:not([hreflang])")) > 0
    assert {link.attributes["hreflang"] for link in links} == {language}
    [link] = [link for link in links if link.attributes["href"] == url]
    assert link.text() == name


def test_every_page_of_a_build_has_a_policy(built: Path) -> None:
    pages = list(built.rglob("*.html"))
    assert len(pages) >= 6  # home, claims and 404, in two languages
    for path in pages:
        assert len(LexborHTMLParser(path.read_text(encoding="utf-8")).css(POLICY)) == 1, path


FENCE = "```snippet\npart.second\n```\n"
MARK = "`#!claim three_numbers`"


@pytest.mark.parametrize(
    ("page", "old", "new", "what", "at"),
    [
        (EN, FENCE, f"<!--\n{FENCE}-->\n", "do not show the snippet", ""),
        (ZH, FENCE, f"<div>\n{FENCE}</div>\n", "do not show the snippet", ""),
        (EN, MARK, f"<!-- {MARK} -->", "a mark cannot be read", MARK),
        (EN, FENCE, f"{FENCE}\n> ```python\n> x = 1\n> ```\n", "a fence stands in", "```python"),
        (EN, FENCE, f"{FENCE}\nA line.\n\n    x = 1\n", "is run by nothing", "x = 1"),
        (
            ZH,
            FENCE,
            f'{FENCE}\n<p class="highlight"><code>x = 1</code></p>\n',
            "is run by",
            "x = 1",
        ),
    ],
    ids=["comment", "HTML", "mark in a comment", "quotation", "indented", "code in HTML"],
)
def test_a_page_shows_what_its_markdown_names_and_nothing_else(
    tmp_path: Path, page: str, old: str, new: str, what: str, at: str
) -> None:
    project = sound(tmp_path / "project")
    edit(project, page, old, new)
    said = fails(project, [what])
    assert not at or f"at       {place(project, page, at)}\n" in said


# What Python-Markdown and CommonMark read in two ways, what only one of them makes of it, and where that begins.
READ_IN_TWO_WAYS = {
    "list without an empty line": ("Text\n- one\n- two", "<ul> in notebooks", "- one"),
    "entry inside of an entry": ("1. one\n   - inside", "<ul> in notebooks", "- inside"),
    "number with a bracket": ("1) one\n2) two", "<ol> in notebooks", "1) one"),
    "quotation marks in bold": ("Text\n\n**“word”**next", "<strong> on the site", "“word”"),
    "full stop in bold, then a Chinese word": (
        "好。\n\n**注意：**请看 **词**",
        "<strong> on the site",
        "注意",
    ),
    "seven signs of a heading": ("Text\n\n####### Deep", "<h6> on the site", "Deep"),
    "line that ends with \\": ("one\\\ntwo", "<br> in notebooks", "one"),
}


@pytest.mark.parametrize("case", READ_IN_TWO_WAYS)
def test_markdown_is_the_same_on_the_site_and_in_notebooks_or_refused(
    tmp_path: Path, case: str
) -> None:
    text, what, at = READ_IN_TWO_WAYS[case]
    project = sound(tmp_path / "project")
    project.file(ZH, f"{read(project, ZH)}\n{text}\n")
    said = fails(project, [f"Markdown is read in two ways: as {what} and not"])
    assert f"at       {place(project, ZH, at)}\n" in said


@pytest.mark.parametrize("entity", ["&#x202e;", "&#8238;", "&lrm;"])
def test_what_turns_a_text_round_is_refused_as_an_entity_too(tmp_path: Path, entity: str) -> None:
    project = sound(tmp_path / "project")
    project.file(ZH, f"{read(project, ZH)}\nText {entity}.\n")
    fails(project, ["cannot be seen, or turns a text round", "docs/zh/index.md"])


def test_what_both_read_alike_is_shown(tmp_path: Path) -> None:
    project = sound(tmp_path / "project")
    alike = (
        "***both*** *a **b** c* snake_case `` a ` b `` <https://example.org> **粗**：体\n\n- one\n\n"
        "    - inside\n\nThree:\n\n3. three\n\n> quotation\n\n| a |\n| - |\n| **b** |\n\ntwo spaces  \nnext[^1] and[^2] ^[no *note*].\n\n[^2]: - a list\n\n[^1]: A `note`.\n"
    )
    exercise = "## Exercises {#exercises .exercises}\n\n### One {#1}\n\nDo it.\n"
    for path, name in ((ZH, "mkdocs.yml"), (EN, "mkdocs.en.yml")):
        project.file(path, f"{read(project, path)}\n{alike}\n{exercise}")
        edit(project, name, "  - attr_list\n", "  - attr_list\n  - footnotes\n")
    project.file("docs/zh/.ipynb_checkpoints/index-checkpoint.md", "no page")
    done = mkdocs_here(project.folder, "build")
    assert done.returncode == 0, done.stdout


def test_a_heading_in_depth_holds_what_follows_up_to_its_like(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "404.html"
    body = (
        "<article><h2>Core</h2><p>a</p><h3 class='depth' id='deep'>Deep</h3>text<p>b</p>"
        "<h4>Deeper</h4><p>c</p><h3>Next</h3><p>d</p><h2 class='depth' id='last'>Last</h2><p>e</p>"
        "<p class='ran-on'>foot</p></article>"
    )
    path.write_text(f"<html><body>{body}</body></html>", "utf-8")
    finish_page(site, None, path, policy=False)
    tree = LexborHTMLParser(path.read_text("utf-8"))
    first, second = tree.css("article > details.depth")
    assert not {"open"} & {*first.attributes, *second.attributes}
    assert [node.text() for node in first.css("summary > h3#deep")] == ["Deep"]
    assert first.text() == "DeeptextbDeeperc"
    assert second.text() == "Laste"
    assert [node.text() for node in tree.css("article > :not(details)")] == [
        "Core",
        "a",
        "Next",
        "d",
        "foot",
    ]


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("One two three.", "three."),
        ("One <code>two</code>.", "."),
        ("这是一句话。", "话。"),
        ("One <code>two</code>", "two"),
        ("One <code>a_very_long_name_of_something</code>", ""),
    ],
)
def test_a_mark_is_joined_to_the_word_before_it(
    site: Site, tmp_path: Path, text: str, joined: str
) -> None:
    file = tmp_path / "page.html"
    html = f'<p>{text}<span class="claim">✓</span> Next &lt;b&gt;.</p>'
    file.write_text(f"<html><head><meta charset=utf-8></head><body>{html}</body></html>")
    finish_page(site, None, file, policy=False)
    tree = LexborHTMLParser(file.read_text())
    found = [node.text() for node in tree.css(".joined")]
    assert found == ([f"{joined}✓"] if joined else [])
    assert tree.css("p")[0].text() == LexborHTMLParser(html).css("p")[0].text()


def test_a_silent_mistake_has_a_sign_at_its_heading(project: Project, tmp_path: Path) -> None:
    text = page("part.one") + "\n## Loud {#loud}\n\n## Quiet {#quiet .silent}\n"
    project.pages = dict.fromkeys(("zh", "en"), text)
    read = read_project(project.read_settings())
    site = Site(read, run(read.settings, read.sections.values()), ("index.md",), {})
    built = mkdocs_here(project.write(), "build")
    assert built.returncode == 0, built.stderr
    tree = LexborHTMLParser((project.folder / "site" / "en" / "index.html").read_text())
    assert [node.attributes["id"] for node in tree.css("[data-silent]")] == ["quiet"]
    assert [node.text() for node in tree.css("h2[data-silent] + .silent-sign")] == [
        site.words("en")("silent")
    ]
