"""What is read held against each other: snippets, claims, links, and the languages."""

from collections.abc import Callable
from typing import Any

import pytest

from proven.cells import Raised
from proven.check import check, check_results
from proven.problems import Problem, ProjectError
from proven.project import read_project
from tests.helpers.projects import Project, page
from tests.helpers.sites import FIGURE, made_up

TWO = "# %% one\nx = 1\n# %% two\nx = 2\n"
SHOWN = page("part.one", "part.two")
HELD = '''def test_holds() -> None:
    """It holds.

    成立。
    """
'''


def problems(project: Project) -> list[Problem]:
    try:
        check(read_project(project.read_settings()))
    except ProjectError as error:
        return list(error.problems)
    return []


def test_pages_that_show_everything_in_all_languages_are_right(project: Project) -> None:
    project.script, project.tests = TWO, HELD
    text = SHOWN + "\nIt holds.`#!claim holds` See [here](#snippet-part-one),\n"
    text += "[there](claims.md#holds), [this](#title), [that](https://example.org/#x) and [it](a.png).\n"
    project.pages = dict.fromkeys(("zh", "en"), text)
    assert problems(project) == []


def test_a_picture_lies_beside_the_pages(project: Project) -> None:
    text = f"{page('part.one')}\n![a](a.png) ![c](https://example.org/c.png)\n"
    project.pages = dict.fromkeys(("zh", "en"), text)
    project.file("docs/zh/a.png", "a picture")
    found = {problem.places[0]: problem.what for problem in problems(project)}
    assert found.items() >= {"docs/en/index.md:7": "the picture 'a.png' is not there"}.items()
    assert "docs/zh/index.md:7" not in found


@pytest.mark.parametrize(
    ("zh", "en", "what", "places"),
    [
        (
            ("part.one", "part.two", "part.none"),
            ("part.one", "part.two"),
            ["there is no snippet 'part.none'", "the snippets differ in order: part.none / none"],
            ("docs/zh/index.md:11",),
        ),
        (
            ("part.one", "part.two"),
            ("part.one",),
            ["the pages in 'en' do not show the snippet", "differ in order: part.two / none"],
            ("docs/zh/index.md:7", "snippets/part.py:4"),
        ),
        (("part.one",), ("part.one",), ["no page shows the snippet"], ("snippets/part.py:4",)),
        (
            ("part.one", "part.two", "part.one"),
            ("part.one", "part.two"),
            ["the snippet is shown twice", "differ in order: part.one / none"],
            ("docs/zh/index.md:11", "docs/zh/index.md:3"),
        ),
        (
            ("part.one", "part.two"),
            ("part.two", "part.one"),
            ["the snippets differ in order: part.one / part.two"],
            ("docs/zh/index.md:3", "docs/en/index.md:3"),
        ),
    ],
)
def test_every_snippet_is_shown_once_by_each_language(
    project: Project, zh: tuple[str, ...], en: tuple[str, ...], what: list[str], places: Any
) -> None:
    project.script = TWO
    project.pages = {"zh": page(*zh), "en": page(*en)}
    found = problems(project)
    assert [told in p.what for told, p in zip(what, found, strict=True)] == [True] * len(what), (
        found
    )
    assert found[0].places[: len(places)] == places


@pytest.mark.parametrize(
    ("zh", "en", "what"),
    [
        ("", "## More {#more}", "the headings differ: none / ## more"),
        ("## M {#m}", "### M {#m}", "the headings differ: ## m / ### m"),
        ("## M {#m}", "## M {#n}", "the headings differ: ## m / ## n"),
        ("```sh\nls  # 甲\n```", "```sh\nls -l\n```", "the fences differ: sh ls / sh ls -l"),
        ("```math\nx\n```", "```math\nx\ny\n```", "the fences differ: none / math y"),
        ("```claims\npart\n```", "```text\npart\n```", "the fences differ: claims part / text"),
        ("So `#!math x`.", "So.", "the formulas in sentences differ: x / none"),
        (
            "![a](https://example.org/a.png)",
            "words",
            "one language only has a picture: picture 1 / none",
        ),
    ],
)
def test_the_languages_have_the_same_things(project: Project, zh: str, en: str, what: str) -> None:
    project.pages = {"zh": f"{page('part.one')}\n{zh}\n", "en": f"{page('part.one')}\n{en}\n"}
    (found,) = problems(project)
    assert found.what == what
    places = [place.split(":")[0] for place in found.places]
    assert places == ["docs/zh/index.md", "docs/en/index.md"]


@pytest.mark.parametrize(
    ("zh", "en"),
    [
        ("```sh\nls  # 甲\n```", "```sh\nls  # a\n```"),
        ("```math\nx \\text{若}\n```", "```math\nx \\text{if}\n```"),
        ("```text\n甲\n```", "```text\na\nb\n```"),
    ],
)
def test_words_in_fences_may_differ(project: Project, zh: str, en: str) -> None:
    project.pages = {"zh": f"{page('part.one')}\n{zh}\n", "en": f"{page('part.one')}\n{en}\n"}
    assert problems(project) == []


@pytest.mark.parametrize(
    ("languages", "what"),
    [
        (("zh", "en"), "the page more.md exists in one language only"),
        (("zh", "en", "fr"), "the page more.md exists in 'en' and not in 'zh'"),
    ],
)
def test_a_page_that_a_language_lacks_is_named(
    project: Project, languages: tuple[str, ...], what: str
) -> None:
    project.languages = languages
    project.write()
    project.file("docs/en/more.md", "# More {#more}\n")
    if "fr" in languages:
        project.file("docs/fr/more.md", "# More {#more}\n")
    found = problems(project)
    assert (found[0].what, found[0].places) == (what, ("docs/en/more.md:1",))


@pytest.mark.parametrize(
    ("link", "what"),
    [
        ("gone.md", "the link 'gone.md' leads to no page"),
        ("index.md#gone", "the page index.md has no heading or other place 'gone'"),
        ("#snippet-part-two", "the page index.md has no heading or other place 'snippet-part-two'"),
        ("claims.md#part", "the link 'claims.md#part' leads to no page"),
    ],
)
def test_a_link_that_leads_nowhere_is_named_with_its_line(
    project: Project, link: str, what: str
) -> None:
    text = f"{page('part.one')}\n[a]({link})\n"
    project.pages = {"zh": page("part.one") + "\n[a](#title)\n", "en": text}
    (found,) = problems(project)
    assert (found.what, found.places) == (what, ("docs/en/index.md:7",))


@pytest.mark.parametrize(
    ("fence", "what", "advice"),
    [
        ("claims\nparts", "there is no section 'parts'", "did you mean part?"),
        ("claims\npart.one", "there is no section 'part.one'", "did you mean part?"),
        ("claims\n", "there is no section ''", "the sections are part"),
        ("snippet\npart", "there is no snippet 'part'", "did you mean part.one?"),
        ("snippet\nparts.one", "there is no snippet 'parts.one'", "did you mean part.one?"),
        ("snippet\n", "there is no snippet ''", "python -m proven list"),
        ("notebook\npart", "there is no page 'part'", "name one as blocks.md"),
    ],
)
def test_a_fence_that_names_what_is_not_there_is_named_with_its_line(
    project: Project, fence: str, what: str, advice: str
) -> None:
    text = f"{page('part.one')}\n```{fence}\n```\n"
    project.pages = dict.fromkeys(("zh", "en"), text)
    found = problems(project)
    assert [(p.what, p.places) for p in found] == [
        (what, ("docs/zh/index.md:7",)),
        (what, ("docs/en/index.md:7",)),
    ]
    assert advice in found[0].advice


@pytest.mark.parametrize(
    "text", ["words `#!math x^`", "```math\nx^\n```", "| a |\n|--|\n| `#!math x^` |"]
)
def test_a_formula_that_cannot_be_set_is_named_with_its_line(project: Project, text: str) -> None:
    project.pages = dict.fromkeys(("zh", "en"), f"{page('part.one')}\n{text}\n")
    line = 9 if text.startswith("|") else 7
    assert [(p.what[:19], p.places[0]) for p in problems(project)] == [
        ("'x^' cannot be set ", f"docs/zh/index.md:{line}"),
        ("'x^' cannot be set ", f"docs/en/index.md:{line}"),
    ]


def marked(zh: str, en: str) -> Callable[[Project], None]:
    def plant(project: Project) -> None:
        sentences = {"zh": zh, "en": en}
        project.pages = {key: f"{page('part.one')}\n{text}\n" for key, text in sentences.items()}

    return plant


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (
            marked("一。`#!claim unheard`", "One.`#!claim unheard`"),
            [
                ("no test proves it", "unheard", "一。 / One."),
                ("no page states what the test proves: It holds.", "holds", None),
            ],
        ),
        (
            marked("", ""),
            [("no page states what the test proves: It holds.", "holds", None)],
        ),
        (
            marked("一。`#!claim holds` 二。`#!claim holds`", "One.`#!claim holds` Two."),
            [("docs/en/index.md does not mark `holds` as often", None, "二。")],
        ),
        (
            marked(
                "| 甲 | 乙 |\n|-|-|\n| 一。`#!claim gone` |\n| 二。`#!claim holds` |",
                "| A | B |\n|-|-|\n| Two.`#!claim holds` |\n| One.`#!claim gone` |",
            ),
            [("no test proves it", "gone", "一。 / One.")],
        ),
        (
            marked("一。`#!claim holds`", "One."),
            [("docs/en/index.md does not mark `holds`", None, "一。")],
        ),
        (
            marked("一。`#!claim test_holds`", "One.`#!claim test_holds`"),
            [
                ("no claim has this name", "test_holds", "一。 / One."),
                ("no page states what the test proves: It holds.", "holds", None),
            ],
        ),
        (
            marked(
                "一。`#!claim holds` 二。`#!claim half`", "One.`#!claim holds` Two.`#!claim half`"
            ),
            [("test_half is no claim: its docstring has no", "half", "二。 / Two.")],
        ),
        *(
            (
                marked(
                    f"一。`#!claim holds` 二。`#!claim {name}`",
                    f"One.`#!claim holds` Two.`#!claim {name}`",
                ),
                [(f"test_{name} is no claim: it is async, or stands", name, "二。 / Two.")],
            )
            for name in ("later", "inside")
        ),
    ],
)
def test_marks_and_claims_belong_together(
    project: Project, plant: Callable[[Project], None], found: list[tuple[str, Any, Any]]
) -> None:
    half = '\n\ndef test_half() -> None:\n    """Half."""\n'
    later = HELD.replace("def test_holds", "async def test_later")
    inside = "class TestIt:\n    " + HELD.replace("holds", "inside").replace("\n", "\n    ")
    project.tests = HELD + half + later + inside
    plant(project)
    told = problems(project)
    assert [(claim, sentence) for _, claim, sentence in found] == [
        (p.claim, p.sentence) for p in told
    ]
    assert all(what in p.what for (what, _, _), p in zip(found, told, strict=True))


def test_a_claim_needs_no_device_of_which_the_settings_know_nothing(project: Project) -> None:
    project.tests = HELD.replace("def", "@pytest.mark.gpu(1)\ndef", 1)
    marked("一。`#!claim holds`", "One.`#!claim holds`")(project)
    assert [p.what for p in problems(project)] == [
        "the test needs a device, and proven.toml names no kind of device"
    ]


def test_the_same_claim_may_be_marked_on_several_pages(project: Project) -> None:
    project.tests = HELD
    marked("一。`#!claim holds`", "One.`#!claim holds`")(project)
    project.write()
    for language in ("zh", "en"):
        project.file(f"docs/{language}/more.md", "# More {#more}\n\nA.`#!claim holds`\n")
    assert problems(project) == []


def test_what_cannot_be_read_is_told_alone(project: Project) -> None:
    project.script, project.tests = "# %% one\nx = (\n", "def broken(:\n"
    project.pages = {"zh": "# No id\n", "en": page("part.none")}
    assert [p.places[0] for p in problems(project)] == [
        "snippets/part.py:2",
        "docs/zh/index.md:1",
    ]


ALT = page("part.one").replace("```snippet", '```snippet alt="a figure with one line in it"')


@pytest.mark.parametrize(
    ("text", "figures", "what"),
    [
        (page("part.one"), (FIGURE,), "its figure is not described"),
        (ALT, (), "it draws nothing that alt could describe"),
        (ALT, (FIGURE,), None),
    ],
)
def test_a_figure_needs_a_description_and_a_description_a_figure(
    project: Project, text: str, figures: tuple[str, ...], what: str | None
) -> None:
    project.pages = dict.fromkeys(("zh", "en"), text)
    site = made_up(project, {"part.one": {"figures": figures}})
    if not what:
        check_results(site.project, site.results)
        return
    with pytest.raises(ProjectError, match=what) as error:
        check_results(site.project, site.results)
    places = [p.places for p in error.value.problems]
    assert places == [("docs/zh/index.md:3",), ("docs/en/index.md:3",)]


@pytest.mark.parametrize(
    ("alt", "short"),
    [("a" * 20, True), ("a" * 21, False), ("直" * 10, True), ("直" * 11, False)],
)
def test_a_description_of_a_figure_is_more_than_a_title(
    project: Project, alt: str, short: bool
) -> None:
    text = page("part.one").replace("```snippet", f'```snippet alt="{alt}"')
    project.pages = dict.fromkeys(("zh", "en"), text)
    found = problems(project)
    assert [p.what for p in found] == [
        "the description of the figure has 20 letters, too few for readers who do not see it"
    ] * (2 * short)


def test_each_page_has_a_description_of_its_own_if_most_have_one(project: Project) -> None:
    words = "One.", "Other.", "Last."
    one, other, last = (f"---\ndescription: {told}\n---\n\n" for told in words)
    for language in ("zh", "en"):
        project.file(f"docs/{language}/more.md", one + "# More {#more}\n")
        project.file(f"docs/{language}/last.md", last + "# Last {#last}\n")
    for begin, what in (
        ("", "the page has no description"),
        (one, "two pages have the same description"),
        (other, None),
    ):
        project.pages = dict.fromkeys(("zh", "en"), begin + page("part.one"))
        assert [p.what for p in problems(project)] == [what] * (2 if what else 0)


def test_the_halves_of_a_comment_stand_in_their_order(project: Project) -> None:
    project.script = "# %% one\nx = 1  # a | b\ny = 1  # one | 一\n\nz = 1  # 一 | one\n"
    project.script += "a = 1  # one|一\n# one ｜ 一\n# 一\nb = '# 一'  # one\n"
    project.tests = 'def test_holds() -> None:\n    """成立。\n\n    It holds.\n    """\n'
    project.pages = dict.fromkeys(("zh", "en"), f"{page('part.one')}\nSo.`#!claim holds`\n")
    apart = "a comment has no ' | ' between its halves"
    assert [(found.what, found.places[0]) for found in problems(project)] == [
        ("the halves of a comment are swapped", "snippets/part.py:5"),
        *((apart, f"snippets/part.py:{line}") for line in (6, 7, 8)),
        ("the paragraphs of its docstring are swapped", "tests/test_part.py:1"),
    ]


def test_of_a_snippet_that_did_not_run_no_description_is_asked(project: Project) -> None:
    project.settings["devices"] = {"cuda": "cards"}
    project.script = '# %% one needs="cuda:1"\nx = 1\n'
    site = made_up(project)
    check_results(site.project, site.results)


def test_both_languages_describe_a_figure_or_none(project: Project) -> None:
    project.pages = {"zh": ALT, "en": page("part.one")}
    (found,) = problems(project)
    assert "one language only describes its figure" in found.what
    assert found.places == ("docs/zh/index.md:3", "docs/en/index.md:3")


RAISES = """# %% one raises="KeyError, TypeError"
{}["a"]
len(7)
# %% two raises="KeyError"
{}["a"]
"""
LISTED = """
!!! bug "A key that is not there"

    ```error
    part.one 1
    ```

    It means that.
"""
TWO_ERRORS = Raised("KeyError: 'a'", 1, 0), Raised("TypeError: no len", 2, 0)
DID: dict[str, dict[str, Any]] = {
    "part.one": {"errors": TWO_ERRORS},
    "part.two": {"errors": TWO_ERRORS[:1]},
}


def list_errors(project: Project, text: str) -> None:
    for language in project.languages:
        project.file(f"docs/{language}/errors.md", f"# Errors {{#errors}}\n{text}")


def test_an_index_of_errors_lists_each_message_once(project: Project) -> None:
    project.script = RAISES
    section = page("part.one", "part.two") + "\n## Summary {#summary .summary}\n"
    project.pages = dict.fromkeys(("zh", "en"), section)
    list_errors(project, LISTED)
    site = made_up(project, DID)
    with pytest.raises(ProjectError) as error:
        check_results(site.project, site.results)
    (missing,) = error.value.problems  # the error of part.two has the same words as the one listed
    assert missing.what == "the index of errors does not list 'TypeError: no len'"
    assert missing.advice.endswith("an error fence with: part.one 2")
    assert missing.places == ("snippets/part.py:3",)
    project.pages = dict.fromkeys(("zh", "en"), page("part.one", "part.two"))
    site = made_up(project, DID)
    check_results(site.project, site.results)  # a page without a summary is no section
    project.pages = dict.fromkeys(("zh", "en"), section)
    list_errors(project, LISTED + LISTED.replace("one 1", "one 2"))
    site = made_up(project, DID)
    check_results(site.project, site.results)


def test_without_an_index_of_errors_none_has_to_be_listed(project: Project) -> None:
    project.script = RAISES
    section = page("part.one", "part.two") + "\n## Summary {#summary .summary}\n"
    project.pages = dict.fromkeys(("zh", "en"), section)
    site = made_up(project, DID)
    check_results(site.project, site.results)


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("part.one 3", "there is no error 'part.one 3': part.one declares 2"),
        ("part.one first", "there is no error 'part.one first': part.one declares 2"),
        ("part.none", "there is no snippet 'part.none'"),
        ("part.one 2", "the error is listed twice"),
    ],
)
def test_an_entry_names_an_error_that_there_is_and_no_other_does(
    project: Project, entry: str, what: str
) -> None:
    project.script = RAISES
    project.pages = dict.fromkeys(("zh", "en"), page("part.one", "part.two"))
    list_errors(project, LISTED.replace("one 1", "one 2") + LISTED.replace("part.one 1", entry))
    found = problems(project)
    assert [problem.what for problem in found] == [what] * 2
    assert found[0].places[0] == "docs/zh/errors.md:13"


def test_an_entry_names_a_snippet_that_the_language_shows(project: Project) -> None:
    project.script = RAISES
    whole = page("part.one", "part.two")
    project.pages = {"zh": whole, "en": whole.replace("```snippet\npart.one\n```\n", "")}
    list_errors(project, LISTED)
    [told] = [problem for problem in problems(project) if "the entry names" in problem.what]
    assert told.what == "the entry names a snippet that no page shows"
    assert (told.snippet, told.places[0]) == ("part.one", "docs/en/errors.md:5")


@pytest.mark.parametrize("path", ["index.md", "sub/errors.md"])
def test_an_entry_stands_on_a_page_from_which_its_link_leads_to_a_section(
    project: Project, path: str
) -> None:
    project.script = RAISES
    project.pages = dict.fromkeys(("zh", "en"), page("part.one", "part.two") + LISTED)
    if path != "index.md":
        for language in project.languages:
            project.pages[language] = page("part.one", "part.two")
            project.file(f"docs/{language}/{path}", f"# Errors {{#errors}}\n{LISTED}")
    told = "the link of an entry leads to a section from a page beside it, and here nowhere"
    assert [problem.what for problem in problems(project)] == [told] * 2


SUMMED = page("part.one") + "\n## Summary {#summary .summary}\n\n- A [line](#title).\n"
SHEET = "# Sheet {#sheet}\n\nBefore.\n\n```summary\nindex.md\n```\n\nAfter.\n"


def test_a_page_can_hold_the_summary_of_another_one(project: Project) -> None:
    project.pages = dict.fromkeys(("zh", "en"), SUMMED)
    for language in ("zh", "en"):
        project.file(f"docs/{language}/sheet.md", SHEET)
    assert problems(project) == []
    sheet = read_project(project.read_settings()).pages["en"]["sheet.md"]
    assert sheet.text == "# Sheet {#sheet}\n\nBefore.\n\n- A [line](index.md#title).\n\nAfter.\n"


@pytest.mark.parametrize(
    ("fence", "what"),
    [
        ("summary\nnone.md", "there is no such page, or it lists no errors: 'none.md'"),
        ("summary\nsheet.md", "the page sheet.md has no summary"),
        ("exceptions\nsheet.md", "there is no such page, or it lists no errors: 'sheet.md'"),
        (
            "exceptions\nindex.md",
            "its links lead to entries on its own page, and it names 'index.md'",
        ),
        ("downloads", "its links are those of the page notebooks.md, and lead nowhere from here"),
    ],
)
def test_a_fence_that_names_a_page_names_one_that_has_it(
    project: Project, fence: str, what: str
) -> None:
    project.pages = dict.fromkeys(("zh", "en"), SUMMED)
    for language in ("zh", "en"):
        project.file(f"docs/{language}/sheet.md", SHEET.replace("summary\nindex.md", fence))
    assert [problem.what for problem in problems(project)] == [what] * 2


def test_a_word_at_a_heading_is_one_that_means_something(project: Project) -> None:
    project.pages = dict.fromkeys(("zh", "en"), page("part.one") + "\n## More {#more .deep}\n")
    found = problems(project)
    assert [p.what for p in found] == ["nothing knows what .deep means at a heading"] * 2


def test_the_languages_have_the_same_words_at_their_headings(project: Project) -> None:
    text = page("part.one") + "\n## More {#more .depth}\n"
    project.pages = {"zh": text, "en": text.replace(" .depth", "")}
    (found,) = problems(project)
    assert found.what == "the headings differ: ## more depth / ## more"


def test_a_mark_is_refused_where_its_link_would_lead_nowhere(project: Project) -> None:
    project.tests = HELD
    for language in project.languages:
        project.file(f"docs/{language}/sub/more.md", "# More {#more}\n\nIt holds.`#!claim holds`\n")
    told = "a mark leads to claims.md beside its page, and this page lies in a folder of its own"
    found = [(problem.what, problem.places[0]) for problem in problems(project)]
    assert found == [(told, "docs/zh/sub/more.md:3"), (told, "docs/en/sub/more.md:3")]


def test_marks_need_a_page_of_claims_that_they_lead_to(project: Project) -> None:
    project.tests, project.languages = HELD.replace("\n\n    成立。", ""), ("en",)
    project.pages = {"en": f"{page('part.one')}\nIt holds.`#!claim holds`\n"}
    settings = project.read_settings()
    assert problems(project) == []
    (project.folder / "docs" / "en" / "claims.md").unlink()
    with pytest.raises(ProjectError, match="there is no page of claims, to which marks lead"):
        check(read_project(settings))


def test_the_claims_of_all_sections_are_listed(project: Project) -> None:
    """A mark leads to the list: it would lead to nothing."""
    project.tests = HELD
    project.file("snippets/other.py", "# %% one\nprint(1)\n")
    project.file("tests/test_other.py", HELD.replace("holds", "holds_too"))
    text = page("part.one", "other.one") + "One.`#!claim holds` Two.`#!claim holds_too`\n"
    project.pages = dict.fromkeys(("zh", "en"), text)
    told = {problem.what: problem for problem in problems(project)}
    found = told["no page in 'en' lists the claims of other"]
    assert found.places[0] == "docs/en/claims.md:3"
    assert found.advice == "add a claims fence with: other"
