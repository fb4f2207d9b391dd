"""What Python-Markdown makes of a page: fences and marks become what the build knows of them."""

import pytest
from markdown import Markdown
from pymdownx.inlinehilite import InlineHiliteException
from pymdownx.superfences import SuperFencesException
from selectolax.lexbor import LexborHTMLParser

from proven.fences import Fences
from proven.files import make_files
from tests.helpers.projects import Project
from tests.helpers.sites import made_up

TESTS = 'def test_holds() -> None:\n    """It holds.\n\n    成立。\n    """\n'
HOME = "# T {#t}\n\nSo.`#!claim holds`\n\n```snippet\npart.one\n```\n"


@pytest.fixture
def converter(project: Project) -> Markdown:
    """A converter for the English pages of a project with one snippet and one claim."""
    project.tests = TESTS
    project.pages = {"zh": HOME, "en": HOME}
    site = made_up(project, {"part.one": {"output": "<b>hello</b>\n"}})
    fences = Fences(site, "en", make_files(site))
    return Markdown(extensions=["attr_list", "pymdownx.details", fences])


def set_(converter: Markdown, text: str) -> LexborHTMLParser:
    return LexborHTMLParser(converter.convert(text))


@pytest.mark.parametrize("marks", ["```", "~~~~"])
@pytest.mark.parametrize("before", ["", "    "])
def test_a_snippet_is_shown_wherever_its_fence_stands(
    converter: Markdown, marks: str, before: str
) -> None:
    lines = f'{marks}snippet alt="a figure with one line in it"\npart.one\n{marks}'.split("\n")
    box = '??? note "N"\n\n' if before else ""
    tree = set_(converter, box + "\n".join(f"{before}{line}" for line in lines))
    assert [node.attributes["data-snippet"] for node in tree.css("div.snippet")] == ["part.one"]
    assert tree.css("samp")[0].text() == "<b>hello</b>"
    assert len(tree.css("details div.snippet")) == len(before) // 4


def test_a_fence_inside_of_a_longer_one_is_text(converter: Markdown) -> None:
    tree = set_(converter, "````text\n```snippet\npart.one\n```\n````\n\n```text\n~~~snippet\n```")
    assert not tree.css(".snippet")
    assert [node.text().strip() for node in tree.css("pre")] == [
        "```snippet\npart.one\n```",
        "~~~snippet",
    ]


def test_a_mark_links_to_the_page_of_claims(converter: Markdown) -> None:
    tree = set_(converter, "It is so.`#!claim holds` And `#!claim` is code.")
    (mark,) = tree.css("span.claim")
    assert mark.attributes["data-claim"] == "holds"
    assert [node.attributes["href"] for node in mark.css("a")] == ["claims.md#holds"]
    assert mark.text() == "✓"


def test_claims_downloads_and_notebooks_are_listed(converter: Markdown) -> None:
    text = "```claims\npart\n```\n\n```downloads\n```\n\n```notebook\nindex.md\n```\n"
    tree = set_(converter, text)
    assert [node.attributes["id"] for node in tree.css("ul.claims li")] == ["holds"]
    assert [node.text() for node in tree.css("table.downloads a")] == [
        "index.en.ipynb",
        "made-up-notebooks.zip",
    ]
    assert "<b>hello</b>" not in str(tree.css(".jupyter-wrapper")[0].html)
    assert "<b>hello</b>" in tree.css(".jupyter-wrapper")[0].text()


def test_claims_are_counted_by_the_titles_of_their_pages(converter: Markdown) -> None:
    tree = set_(converter, "```counts\n```\n")
    assert [row.text() for row in tree.css("table.numbers th[scope=row]")] == ["T", "All"]


def test_where_no_downloads_are_made_that_is_said(project: Project) -> None:
    site = made_up(project, downloads=False)
    html = Markdown(extensions=[Fences(site, "en", {})]).convert("```downloads\n```")
    assert "<code>mkdocs serve</code> makes no downloads" in html


@pytest.mark.parametrize(
    ("text", "display"), [("`#!math x^2`", "inline"), ("```math\nx^2\n```", "block")]
)
def test_mathematics_is_set_in_its_line_or_by_itself(
    converter: Markdown, text: str, display: str
) -> None:
    (math,) = set_(converter, text).css("math")
    assert math.attributes["display"] == display


@pytest.mark.parametrize("text", ["`#!math x^`", "```math\nx^\n```", "```notebook\ngone.md\n```"])
def test_what_cannot_be_shown_is_an_error_and_no_code_on_the_page(
    converter: Markdown, text: str
) -> None:
    with pytest.raises((SuperFencesException, InlineHiliteException), match=r"x\^|gone"):
        converter.convert(text)
