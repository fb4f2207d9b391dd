"""A snippet, a mark and a list of claims as HTML: what came out of code is text, whatever it looks like."""

from dataclasses import replace

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from proven import html
from proven.claims import Claim
from proven.pages import read_page
from proven.problems import ProjectError
from proven.records import Record
from proven.settings import Settings
from proven.views import ClaimView, ErrorView, Piece, Run, View
from proven.words import WORDS as PHRASES
from proven.words import Words
from tests.helpers.projects import PROJECT
from tests.helpers.sites import FIGURE, GPU

WORDS = Words(Settings(PROJECT, "", ("en",), ("en",)), "en")
VIEW = View(
    name="part.one-two",
    source="x = 1  # <b>",
    kind="",
    devices=0,
    count="",
    fold=None,
    state="ran",
    skipped="",
    raises=(),
    runs=(),
)
RECORD = Record("part", {}, GPU, "2026-11-23", None, {}, {})
CLAIM = Claim("holds", "part", "tests/test_part.py", 3, {}, "assert 1 < 2", "", None, False, 0)
PROVEN = ClaimView(
    CLAIM, "A `list` holds <b>.", "proven", "Proven", "On a <CPU>.", "Tried on 3 <a>.", 3, None
)


def shown(view: View, alt: str = "") -> LexborNode:
    node = LexborHTMLParser(html.snippet(view, alt, WORDS)).css_first(".snippet")
    assert node
    return node


def text(node: LexborNode | LexborHTMLParser, selector: str) -> list[str]:
    return [found.text().strip() for found in node.css(selector)]


def test_a_snippet_has_its_name_its_state_and_its_code() -> None:
    node = shown(VIEW)
    assert node.attributes["id"] == "snippet-part-one-two"
    assert (node.attributes["data-snippet"], node.attributes["data-state"]) == (VIEW.name, "ran")
    assert text(node, "a.snippet-name") == ["part.one-two"]
    assert text(node, ".highlight code") == ["x = 1  # <b>"]
    assert not node.css(".snippet-result, details, p")


def test_what_a_snippet_printed_and_raised_is_text() -> None:
    evil = "<script>alert(1)</script> &amp; <b>bold</b>"
    pieces = Piece(f"{evil}\n\n", "Output"), Piece(f"E: {evil}", "Error · line 2", "E", 2)
    view = replace(VIEW, state="raised", runs=(Run("", pieces),))
    node = shown(view)
    assert not node.css("script, b")
    assert text(node, ".snippet-output samp") == [evil]
    assert text(node, ".snippet-error samp") == [f"E: {evil}"]
    assert text(node, ".snippet-label") == ["Output", "Error · line 2"]


def test_folded_code_that_draws_is_called_so() -> None:
    node = shown(replace(VIEW, fold="code", runs=(Run("", (), (FIGURE,)),)), "a line")
    assert text(node, "summary") == ["The code that draws it"]


@pytest.mark.parametrize(
    ("fold", "summary", "inside"),
    [
        ("code", "The set-up", ".highlight"),
        ("output", "Decided? Show what happens", "samp"),
    ],
)
def test_what_is_folded_is_in_a_box_and_the_rest_is_not(
    fold: str, summary: str, inside: str
) -> None:
    node = shown(replace(VIEW, fold=fold, runs=(Run("", (Piece("seen", "Output"),)),)))
    assert text(node, "details > summary") == [summary]
    assert len(node.css(f"details {inside}")) == 1
    assert len(node.css("details .highlight, details samp")) == 1
    assert len(node.css(".highlight, samp")) == 2


def test_what_did_not_run_says_why_or_has_the_label_of_its_record() -> None:
    view = replace(VIEW, state="skipped", skipped="It needs <2>.")
    assert text(shown(view), ".snippet-result") == ["Not run It needs <2>."]
    run = Run("2 × <A>, recorded then", (Piece("x", "Output"),), (), RECORD)
    node = shown(replace(view, state="recorded", runs=(run,)))
    assert text(node, ".snippet-machine") == ["2 × <A>, recorded then · not run here"]
    assert text(node, "samp") == ["x"]
    assert not node.css(".snippet-skip, [role=tab]")


def test_of_two_runs_each_has_its_tab_and_its_label_and_the_first_is_in_front() -> None:
    runs = (
        Run("1 × A, recorded then", (Piece("there", "Output"),), (FIGURE,), RECORD),
        Run("<CPU>, this build", (Piece("here", "Output"),), (FIGURE,)),
    )
    node = shown(replace(VIEW, runs=runs), "a line")
    labels = ["1 × A, recorded then", "<CPU>, this build"]
    assert text(node, "[role=tablist] > [role=tab]") == labels
    assert text(node, ".run > .snippet-machine") == labels
    assert text(node, ".run.front samp") == ["there"]
    tabs = node.css("[role=tab]")
    assert [tab.attributes["aria-selected"] for tab in tabs] == ["true", "false"]
    assert [tab.attributes["data-run"] for tab in tabs] == ["made-up-gpu-80gb-x1", "here"]
    panels = [node.css_first(f"[id='{tab.attributes['aria-controls']}']") for tab in tabs]
    assert [text(panel, "samp") for panel in panels if panel] == [["there"], ["here"]]
    ids = [found.attributes["id"] for found in node.css("[id]")]
    assert len(set(ids)) == len(ids)


def test_each_figure_is_described() -> None:
    node = shown(replace(VIEW, runs=(Run("", (), (FIGURE, FIGURE)),)), 'a "line"')
    assert [svg.attributes["aria-label"] for svg in node.css("figure svg")] == ['a "line"'] * 2
    ids = [found.attributes["id"] for found in node.css("svg [id]")]
    assert len(set(ids)) == len(ids) == 2


@pytest.mark.parametrize(
    ("state", "sign"), [("proven", "✓"), ("recorded", "✓"), ("skipped", "○"), ("pending", "○")]
)
def test_a_mark_is_a_link_to_what_was_proven(state: str, sign: str) -> None:
    element = html.mark(replace(PROVEN, state=state))
    (link,) = element
    assert (element.get("data-claim"), element.get("data-state")) == ("holds", state)
    assert (link.text, link.get("aria-label")) == (sign, "Proven")
    assert link.get("href") == "claims.md#holds"


def test_the_counts_of_claims_add_up() -> None:
    skipped = replace(PROVEN, state="skipped", title="Not proven", cases=0)
    node = LexborHTMLParser(html.counts({"A": [PROVEN, skipped], "B <b>": [PROVEN]}, WORDS))
    rows = [[cell.text() for cell in row.css("th, td")] for row in node.css("tr")]
    assert rows == [
        ["", "Claims", "Proven", "Not proven", "Tried on several cases", "Cases"],
        ["A", "2", "1", "1", "1", "3"],
        ["B <b>", "1", "1", "0", "1", "3"],
        ["All", "3", "2", "1", "2", "6"],
    ]
    options = [
        [o.attributes["value"] for o in select.css("option")] for select in node.css("select")
    ]
    assert options == [["", "A", "B <b>"], ["", "proven", "skipped"]]


@pytest.mark.parametrize("url", [None, "https://example.org/a?b&c"])
def test_the_list_of_claims_shows_each_test(url: str | None) -> None:
    other = replace(CLAIM, name="other", devices=1)
    views = [replace(PROVEN, url=url), replace(PROVEN, claim=other)]
    node = LexborHTMLParser(html.claims(views, "Title", WORDS))
    assert [row.attributes["id"] for row in node.css("ul.claims > li")] == ["holds", "other"]
    first, second = (row.text() for row in node.css("li"))
    assert first.startswith(
        "Proven A list holds <b>. Tried on 3 <a>. Test test_holds · tests/test_part.py:3"
    )
    assert second.startswith("Proven A list holds <b>. Tried on 3 <a>. On a <CPU>.")
    tests = [f"test_part.txt#:~:text=def%20test_{name}(" for name in ("holds", "other")]
    assert [link.attributes["href"] for link in node.css("a")] == (
        [tests[0], url, tests[1]] if url else tests
    )


def test_downloads_are_listed_with_their_sizes() -> None:
    rows: list[tuple[str, str, int, str | None]] = [
        ("One & <two>", "one.ipynb", 12_345, "https://colab.example/?a&b"),
        ("All", "../all.zip", 999, None),
    ]
    node = LexborHTMLParser(html.downloads(rows, WORDS))
    assert [[cell.text() for cell in row.css("th, td")] for row in node.css("tr")] == [
        ["One & <two>", "one.ipynb", "12 KB", "Open in Colab"],
        ["All", "all.zip", "1 KB"],
    ]
    assert [link.attributes["href"] for link in node.css("a")] == [
        "one.ipynb",
        "https://colab.example/?a&b",
        "../all.zip",
    ]


def test_a_phrase_of_a_project_is_text_wherever_it_stands() -> None:
    own = {key: f'{phrase} "<i>' for key, phrase in PHRASES["en"].items()}
    words = Words(replace(WORDS.settings, words={"en": own}), "en")
    runs = Run("A", (), (), RECORD), Run("B", (Piece("x", "Output"),))
    made = [
        html.snippet(replace(VIEW, fold="output", runs=runs), "", words),
        html.claims([replace(PROVEN, title=words("proven"))], "Title", words),
        html.exceptions([], words),
        html.entries(words),
        html.counts({"Title": [PROVEN]}, words),
        html.downloads([("T", "a.zip", 1, "https://colab.example/")], words),
    ]
    for text in made:
        assert text.count("&quot;&lt;i&gt;") >= 1
        assert "<i>" not in text


@pytest.mark.parametrize("display", ["inline", "block"])
def test_mathematics_needs_no_script(display: str) -> None:
    made = LexborHTMLParser(html.mathml(r"\sigma < 0.01", display)).css_first("math")
    assert made
    assert made.attributes["display"] == display
    assert "<script" not in str(made.html)


def test_mathematics_that_cannot_be_set_is_told_as_it_was_written() -> None:
    for wrong in (
        "x^",
        r"\frac{1}",
        "{x",
        "x}",
        r"\foobar{x}",
        r"\text{<strong>x</strong>}",
        r"\text{a<b}",
    ):
        with pytest.raises(ProjectError, match="cannot be set as mathematics"):
            html.mathml(wrong, "inline")
    for right in (
        r"\frac{1}{2} \{x\}",
        r"\sqrt[3]{x}_i^2",
        r"\sum_{i=1}^n a_i",
        r"\mathbf{W} \le \text{if }",
    ):
        assert "<math" in html.mathml(right, "inline")


def entry(view: View, number: int = 1, type: str = "KeyError") -> ErrorView:
    errors = [piece for piece in view.pieces if piece.error]
    there, problems = read_page("# Title {#title}\n", "other.md", "en", "docs/en/other.md")
    assert problems == []
    return ErrorView(f"error-{number}", view, type, errors[0] if errors else None, there)


def test_an_entry_of_the_index_shows_the_message_as_text_and_leads_to_its_snippet() -> None:
    view = replace(
        VIEW, runs=(Run("", (Piece("KeyError: <b>", "Error · line 2", "KeyError", 2),)),)
    )
    tree = LexborHTMLParser(html.error(entry(view)))
    assert not tree.css("b")
    assert text(tree, ".error-entry[data-type=KeyError] pre samp") == ["KeyError: <b>"]
    (link,) = tree.css("a")
    assert link.attributes["href"] == "../other/#snippet-part-one-two"
    assert text(tree, ".error-place") == ["part.one-two Error · line 2"]


def test_an_entry_of_what_did_not_run_says_so() -> None:
    view = replace(VIEW, state="skipped", skipped="It needs 2.")
    tree = LexborHTMLParser(html.error(entry(view)))
    assert not tree.css("pre")
    assert text(tree, "p") == ["KeyError", "part.one-two It needs 2."]


def test_errors_are_listed_by_type_with_the_beginning_of_their_messages() -> None:
    told = ["TypeError: " + "word " * 40, "KeyError: 'a'", "KeyError: 'b'\nmore"]
    entries = [
        entry(
            replace(VIEW, runs=(Run("", (Piece(t, "", t.split(":")[0], 1),)),)), n, t.split(":")[0]
        )
        for n, t in enumerate(told)
    ]
    tree = LexborHTMLParser(html.exceptions(entries, WORDS))
    assert text(tree, "dt") == ["KeyError", "TypeError"]
    assert [(a.attributes["href"], a.text()) for a in tree.css("a")][:2] == [
        ("#error-1", "'a'"),
        ("#error-2", "'b'"),
    ]
    assert tree.css("a")[2].text().endswith("word …")
    assert len(tree.css("a")[2].text()) <= 72
