"""Questions: an expression decides which option fits, and the page does not write it down."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from proven.build import begin_site, run_sections
from proven.check import check
from proven.files import make_files
from proven.finish import finish_page
from proven.problems import ProjectError
from proven.project import read_project
from tests.helpers.projects import CUDA, Project

SCRIPT = '# %% one fold="output"\nx = [1, 2]\nprint(len(x))\n\n\n# %% two\nprint(x)\n'
CONFIGS = {language: {"site_name": language} for language in ("zh", "en")}


def question(*options: str, key: str = "len(x)", follows: str = "part.one") -> str:
    rows = "\n    ".join([key, *options])
    return f"""# Title {{#title}}

!!! question "Predict first"
    Look at `x`.

    How long is it?

    ```options
    {rows}
    ```

```snippet
{follows}
```

Two of them.

```snippet
part.two
```

## Next {{#next}}

After.
"""


def made(project: Project, text: str, other: str = "") -> Project:
    project.script = SCRIPT
    project.pages = {"zh": other or text, "en": text}
    return project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def problems(project: Project) -> str:
    settings = project.read_settings()
    with pytest.raises(ProjectError) as caught:
        read = read_project(settings)
        check(read)
        run_sections(read)
    return str(caught.value)


def test_the_expression_decides_which_option_fits(project: Project) -> None:
    """It sees the names of the section after the snippet, its output and its errors."""
    for key in ("len(x)", "int(output)", "2 + len(errors)", "output.strip()"):
        settings = made(project, question("1", "2 | two", key=key)).read_settings()
        site = begin_site(settings, CONFIGS)
        assert site.answer("part.one") == "2"
        assert site.fitting("part.one", "en") == "The option that fits: B. two"


def test_a_name_of_python_that_the_section_gives_to_something_is_its_own(project: Project) -> None:
    made(project, question("1", "2 | two", key="len(input)"))
    project.script = project.script.replace("x = ", "input = x = ", 1)
    assert begin_site(project.read_settings(), CONFIGS).answer("part.one") == "2"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (question("1", "3"), "no option of the question fits: the key has the value '2'"),
        (question("2", "2 | two"), "two options have the same value"),
        (re.sub(r"    ```options.*?```\n", "", question("1", "2"), flags=re.S), "the question has no options"),
        (question("1", "2").replace("Two of them.\n\n```snippet\npart.two\n```\n\n", "").replace("After.", "After.\n\n```snippet\npart.two\n```"), "nothing explains the answer"),
        (question("1", "2").replace('!!! question "Predict first"', '!!! note "A note"'), "options stand outside of a question"),
        (question("2"), "the question has fewer than two options"),
        (question("1", "2", key="len("), "'len(' is no expression"),
        (question("1", "2", key="lost"), "the key of the question, 'lost', has no value: NameError"),
        (question("1", "2", key="print(x)"), "it prints something"),
        (question("1", "2", key="x and exit()"), "the key of the question, 'x and exit()', has no value: SystemExit"),
        (question("1", "2", key="x and __import__('os')._exit(0)"), "the key of the question died with its process"),
        (question("1", "2", key="open('left', 'w').write('ab') or x"), "the key of the question changed a file of the section"),
        (question("1", "2", key="__builtins__.update(bin=len(x)) or 2"), "the key of the question changed bin, and others"),
        (question("1", "2", follows="part.two").replace("two\n```\n\n##", "one\n```\n\n##"), "not folded"),
        (question("1", "2").replace("```snippet\npart.one", "Not yet.\n\n```snippet\npart.one"), "no snippet answers the question"),
        (question("2", "3", key="'2'"), "uses nothing of the section"),
        (question("2", "3", key="1 + 1"), "uses nothing of the section"),
        (question("[1]", "3", key="(y := [1])"), "uses nothing of the section"),
        (question("[0, 1]", "3", key="[int(i) for i in range(2)]"), "uses nothing of the section"),
        (question("2", "3", key="max([2], key=lambda y: y)"), "uses nothing of the section"),
        (question("2", "3", key="__import__('random').choice([2, 2])"), "uses nothing of the section"),
        (question("1", "2", key="str(x) * 10**7"), "it is longer than 1000 characters"),
        (question("1", "2 |"), "an option lacks its value, its text or a space beside the bar: 2 |"),
        (question("1", "2|two"), "an option lacks its value, its text or a space beside the bar: 2|two"),
        (question("1", "| two"), "an option lacks its value, its text or a space beside the bar: | two"),
        (question("1 | one", "2 | one"), "two options have the same text"),
        (question("1", "2").replace("    Look at `x`.\n\n    How long is it?\n\n", ""), "the question asks nothing"),
        (question("1", "2").replace("    Look at `x`.\n\n    How long is it?\n\n", "    <!-- how long? -->\n\n"), "the question asks nothing"),
        (question("1", "2").replace("Two of them.", "<!-- two -->"), "nothing explains the answer"),
        (question("1", "2").replace("After.", "```options\nx\n1\n2\n```"), "options stand outside of a question"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_decided_is_refused_with_its_place(
    project: Project, text: str, told: str
) -> None:
    message = problems(made(project, text))
    assert told in message
    assert re.search(r"docs/en/index\.md:\d+", message)


@pytest.mark.parametrize("forks", [True, False], ids=["fork", "no fork"])
def test_an_expression_changes_nothing_on_the_page(project: Project, forks: bool) -> None:
    main = "__import__('sys').modules['__main__']"
    key = f"(x.append(random.random()), vars({main}).update(x='forged'), 2)[-1]"
    made(project, question("1", "2", key=key)).pretend(0, forks=forks)
    project.script = SCRIPT.replace("x =", "import random\nrandom.seed(0)\nx =")
    project.script = project.script.replace("print(x)", "x.append(random.random())\nprint(x)")
    read = read_project(project.read_settings())
    part = run_sections(read)["part"]
    assert part.answers == {"part.one": "2"}
    assert part.outcomes["part.two"].output == "[1, 2, 0.8444218515250481]\n"


def test_without_forks_an_expression_that_spoils_something_for_others_is_refused(
    project: Project,
) -> None:
    made(project, question("1", "2", key="__builtins__.update(bin=len(x)) or 2")).pretend(
        0, forks=False
    )
    assert "the key of the question changed bin, and others" in problems(project)


def test_all_languages_have_the_same_values_in_the_same_order(project: Project) -> None:
    right, other = question("1", "2 | two"), question("2 | two", "1")
    assert "the fences differ: options 2 / options 1" in problems(made(project, right, other))
    made(project, right, question("1", "2 | zwei"))
    assert begin_site(project.read_settings(), CONFIGS).answer("part.one") == "2"


def test_another_expression_runs_the_section_again_and_another_text_does_not(
    project: Project,
) -> None:
    first = run_sections(read_project(made(project, question("1", "2")).read_settings()))
    reworded = read_project(made(project, question("1", "2 | two")).read_settings())
    assert run_sections(reworded, first)["part"] is first["part"]
    asked = read_project(made(project, question("3", "5", key="len(x) + 1")).read_settings())
    assert run_sections(asked, first)["part"].answers == {"part.one": "3"}


def test_what_did_not_run_has_no_answer(project: Project) -> None:
    made(project, question("1", "2", key="output"))
    project.script = SCRIPT.replace("one fold", 'one needs="cuda:9" fold').replace(
        "print(x)", "pass"
    )
    project.settings["devices"] = CUDA
    project.write()
    text = (project.folder / "proven.toml").read_text().replace("proven.cuda.count()", "0")
    project.file("proven.toml", text)
    from proven.settings import read_settings

    site = begin_site(read_settings(project.folder), CONFIGS)
    assert site.answer("part.one") is None
    assert site.fitting("part.one", "en") == ""


PAGE = """<html><head><meta charset="utf-8"></head><body><article><h1 id="title">Title</h1>
<div class="admonition question"><p class="admonition-title">Predict first</p><p>Look at <code>x</code>.</p>
<p>How long is it?</p><div class="options"><label><input type="radio" value="1"> 1</label><label>
<input type="radio" value="2"> 2</label></div></div>
<div class="snippet" data-snippet="part.one"><a class="snippet-name">part.one</a><div class="highlight"><pre>
<code>{code}</code></pre></div><details class="snippet-fold"><summary>Show</summary><div class="snippet-result">2</div>
</details></div><p>Two of them.</p><div class="snippet" data-snippet="part.two">second</div>
<h2 id="next">Next</h2><p>After.</p><template data-made='[["h1", ""], ["h2", ""], ["code", "x"]]'></template></article></body></html>"""


def test_question_code_and_answer_are_one_box(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proven.finish.strange", lambda *_: ())  # the page is made by hand
    settings = made(project, question("1", "2")).read_settings()
    settings = replace(settings, words={"en": {"right": 'Right: "<i>"'}})
    site = begin_site(settings, CONFIGS)
    file = tmp_path / "page.html"
    file.write_text(PAGE.format(code=site.view("part.one", "en").source))
    finish_page(site, site.page("en", "index.md"), file, policy=False)
    tree = LexborHTMLParser(file.read_text())
    [box] = tree.css("article > .snippet")
    [field] = box.css("fieldset[data-question='part.one'][data-key='2']")
    assert field.css("legend")[0].text() == "How long is it?"
    assert [i.attributes["name"] for i in field.css("input")] == ["question-part.one"] * 2
    assert field.css(".highlight")
    assert field.css(".verdict")[0].attributes["data-right"] == 'Right: "<i>"'
    assert "Look at x" in box.css(".question")[0].text()
    answer = box.css("details.answer")[0]
    assert answer.css(".snippet-result ~ .explained .snippet[data-snippet='part.two']")
    assert "Two of them." in answer.text()
    assert "After." not in answer.text()
    assert "Two of them." not in field.text()


def test_plain_text_and_notebook_have_options_with_letters_and_say_which_fits(
    project: Project,
) -> None:
    site = begin_site(made(project, question("1", "2 | `two` of them")).read_settings(), CONFIGS)
    files = make_files(site)
    for name in ("en/index.html.md", "en/notebooks/index.en.ipynb"):
        text = files[name].decode()
        assert "- A. `1`" in text
        assert "- B. `two` of them" in text
        assert text.index("How long is it?") < text.index("The option that fits: B. `two`")
        assert "len(x)" not in text.replace("print(len(x))", "")
