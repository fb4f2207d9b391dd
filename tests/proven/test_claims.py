"""Claims: a build runs the tests that the marks name, or publishes nothing and names the sentence."""

import json
import types
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from snippets.engine.cells import Outcome, run_cells
from snippets.engine.claims import Prover, read_claims
from snippets.engine.errors import SnippetError
from snippets.engine.records import record, write_record
from snippets.engine.runner import Runner
from snippets.engine.scripts import read_sections
from tests.conftest import mkdocs_here
from tests.engine.projects import Project, page

SCRIPT = """# %% one
numbers = [1, 2, 3]
print("three numbers:", len(numbers) == 3)
# %% two
numbers.append(4)
print(numbers)
"""
HEAD = "import os\n\nimport pytest\n\nfrom snippets.engine.testing import after, shown\n\n"


def claim(name: str, body: str, english: str = "It holds.", chinese: str = "成立。") -> str:
    """A test that is a claim."""
    return f'\ndef test_{name}() -> None:\n    """{english}\n\n    {chinese}\n    """\n    {body}\n'


THREE = claim(
    "three_numbers",
    'assert after("part.one").numbers == [1, 2, 3]',
    "A list keeps `len` numbers <b>.",
    "列表里有 `len` 个数。",
)


def marked(project: Project, *names: str, chinese: list[str] | None = None) -> Path:
    """Write the project with a sentence for each named claim, after its snippets."""
    shown = page("part.one", "part.two")
    sentences = {"zh": "这是第{}句。`#!claim {}`", "en": "First. Sentence {}.`#!claim {}`"}
    for language, pattern in sentences.items():
        rows = [
            pattern.format(number, name)
            for number, name in enumerate((language == "zh" and chinese) or names, 1)
        ]
        project.pages[language] = "\n\n".join([shown, *rows]) + "\n"
    project.script = SCRIPT
    return project.write()


def mark(site: Path, language: str) -> Tag:
    text = (site / ("" if language == "zh" else language) / "index.html").read_text("utf-8")
    found = BeautifulSoup(text, "html.parser").select_one("[data-claim]")
    assert found
    return found


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ["已证明", "列表里有 len 个数。", "torch 2.", "CPU", "测试 test_three_numbers"]),
        ("en", ["Proven", "A list keeps len numbers <b>.", "torch 2.", "CPU", "Test test_three"]),
    ],
)
def test_a_mark_says_in_words_what_was_proven_and_with_what(
    project: Project, language: str, words: list[str]
) -> None:
    project.tests = HEAD + THREE
    folder = marked(project, "three_numbers")
    done = mkdocs_here(folder, "build")
    assert done.returncode == 0, done.stdout
    found = mark(folder / "site", language)
    assert found["data-state"] == "proven"
    button, text = found.select_one("button"), found.select_one("[popover]")
    assert button
    assert text
    assert button["popovertarget"] == text["id"]
    assert all(word in " ".join(text.get_text().split()) for word in words)
    link = text.select_one("a")
    assert link
    assert str(link["href"]).endswith("claims/#three_numbers")
    listed = folder / "site" / ("" if language == "zh" else language) / "claims" / "index.html"
    row = BeautifulSoup(listed.read_text("utf-8"), "html.parser").select_one("#three_numbers")
    assert row
    assert "assert after(" in row.get_text()
    assert "tests/test_part.py:" in row.get_text()
    report = json.loads((folder / "site" / "build.json").read_text())
    assert [(c["name"], c["state"]) for c in report["claims"]] == [("three_numbers", "proven")]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('assert after("part.one").numbers == [1, 2]', "AssertionError"),
        ('assert "four" in shown("part.one").output', 'assert "four" in shown("part.one").output'),
        ('raise ValueError("not at all")', "ValueError: not at all"),
        ('pytest.fail("gives up")', "gives up"),
        ("os._exit(0)", "the process that should prove wrong died"),
        (
            'with pytest.raises(OSError):\n        open(__file__ + ".left", "w")',
            "a section may write only to its temporary directory",
        ),
    ],
)
def test_a_claim_that_does_not_hold_fails_the_build_and_names_the_sentence(
    project: Project, body: str, told: str
) -> None:
    project.tests = HEAD + claim("wrong", body)
    folder = marked(project, "wrong")
    (folder / "site").mkdir()
    (folder / "site" / "good.html").write_text("the last good site")
    done = mkdocs_here(folder, "build")
    assert done.returncode == 1
    assert told in done.stdout
    assert "claim    wrong" in done.stdout
    assert "sentence 这是第1句。 / Sentence 1." in done.stdout
    for place in ("tests/test_part.py:", "docs/zh/index.md:12", "docs/en/index.md:12"):
        assert place in done.stdout
    assert [path.name for path in (folder / "site").iterdir()] == ["good.html"]


@pytest.mark.parametrize(
    ("tests", "names", "chinese", "told"),
    [
        (THREE, ["unheard_of"], None, "no test proves it"),
        (THREE, [], None, "no page states what the test proves: A list keeps `len` numbers"),
        (THREE, ["three_numbers"] * 2, None, "a second mark of this claim, the first at docs/"),
        (
            THREE + claim("other", "assert True"),
            ["three_numbers", "other"],
            ["other", "three_numbers"],
            "the claims differ in order: other / three_numbers",
        ),
        (THREE.replace("()", "(tmp_path)", 1), [], None, "takes a fixture or a mark"),
        (THREE.replace("\ndef", "\n@pytest.mark.skip\ndef"), [], None, "takes a fixture or a mark"),
        (THREE + "def broken(:\n", [], None, "SyntaxError"),
    ],
)
def test_marks_and_claims_that_do_not_match_fail_the_build(
    project: Project, tests: str, names: list[str], chinese: list[str] | None, told: str
) -> None:
    project.tests = HEAD + tests
    done = mkdocs_here(marked(project, *names, chinese=chinese), "build")
    assert done.returncode == 1
    assert told in done.stdout
    assert "Section part" not in done.stdout


def test_a_mark_that_runs_into_code_is_named_with_its_line(project: Project) -> None:
    project.tests = HEAD + THREE
    folder = marked(project, "three_numbers")
    path = folder / "docs" / "zh" / "index.md"
    path.write_text(path.read_text("utf-8").rstrip() + "`code`\n", encoding="utf-8")
    done = mkdocs_here(folder, "build")
    assert done.returncode == 1
    assert "a mark cannot be read" in done.stdout
    assert "docs/zh/index.md:12" in done.stdout


def test_a_mark_that_the_page_does_not_show_fails_the_build(project: Project) -> None:
    project.tests = HEAD + THREE
    folder = marked(project, "three_numbers")
    for language in ("zh", "en"):
        path = folder / "docs" / language / "index.md"
        path.write_text(
            path.read_text("utf-8").replace("`#!", "<!-- `#!") + " -->", encoding="utf-8"
        )
    done = mkdocs_here(folder, "build")
    assert done.returncode == 1
    assert "does not show the marks of claims" in done.stdout
    assert "docs/zh/index.md:1" in done.stdout


SPOILER = claim(
    "spoils",
    'state = after("part.one")\n    state.numbers.clear()\n    print("noise")\n'
    '    open("left", "w").close()\n    assert after("part.one").numbers == [1, 2, 3]',
)


def test_a_claim_can_change_nothing_on_the_page_nor_for_another_claim(project: Project) -> None:
    project.tests = HEAD + SPOILER + THREE
    folder = marked(project, "spoils", "three_numbers")
    project.script += '# %% three\nimport os\n\nprint(os.listdir("."))\n'
    for language in ("zh", "en"):
        project.pages[language] += "\n```snippet\npart.three\n```\n"
    project.write()
    done = mkdocs_here(folder, "build")
    assert done.returncode == 0, done.stdout
    assert "noise" not in done.stdout
    text = (folder / "site" / "en" / "index.html").read_text("utf-8")
    shown = [samp.get_text() for samp in BeautifulSoup(text, "html.parser").select("samp")]
    assert shown == ["three numbers: True", "[1, 2, 3, 4]", "[]"]


@pytest.mark.parametrize("forks", [True, False], ids=["fork", "no fork"])
def test_where_processes_cannot_fork_the_same_claims_are_proven(
    project: Project, forks: bool
) -> None:
    project.tests = HEAD + THREE + claim("wrong", 'assert after("part.two").numbers == []')
    folder = marked(project, "three_numbers", "wrong")
    section = read_sections(folder / "snippets")["part"]
    claims = read_claims(folder / "tests", {"part": section})["part"]
    module = types.ModuleType("__main__")
    prover = Prover(section, claims, module)
    prover._forks = prover._forks and forks
    for message in run_cells(section, module):
        if isinstance(message, Outcome):
            prover.snippet_ran(message)
    with pytest.raises(SnippetError) as error:
        prover.finish()
    assert [problem.claim for problem in error.value.problems] == ["wrong"]


HARDWARE = """# %% one
import machine, torch
from snippets.engine import preload

preload.device_count = lambda: machine.count  # so many does this machine pretend to have
torch.cuda.get_device_name = lambda number: "Made-up GPU"
# %% two needs="cuda:1"
print("one device")
"""
ON_GPU = claim("on_gpu", 'assert "one device" in shown("part.two").output').replace(
    "\ndef", "\n@pytest.mark.gpu(1)\ndef"
)


def test_a_claim_that_needs_a_gpu_is_proven_or_recorded_or_skipped(project: Project) -> None:
    project.tests = HEAD + ON_GPU
    folder = marked(project, "on_gpu")

    project.script = HARDWARE
    project.write()

    def state(devices: int, word: str) -> str:
        (folder / "machine.py").write_text(f"count = {devices}\n")
        done = mkdocs_here(folder, "build")
        assert done.returncode == 0, done.stdout
        found = mark(folder / "site", "en")
        assert word in found.get_text()
        return str(found["data-state"])

    assert state(0, "Its test needs one CUDA GPU, and this build had no CUDA device.") == "skipped"
    assert state(1, "on 1 × Made-up GPU.") == "proven"
    sections = read_sections(folder / "snippets")
    runner = Runner(sections, read_claims(folder / "tests", sections))
    try:
        result = runner.result("part")
    finally:
        runner.close()
    write_record(folder / "snippets" / "records", record(result, "2026-11-23", "0123456789"))
    assert state(0, "passed on another machine on 2026-11-23: 1 × Made-up GPU") == "recorded"
    project.tests = project.tests.replace('"one device" in', '"device" in')
    project.write()
    assert state(0, "Its test needs") == "skipped"


def test_serve_runs_a_section_again_when_its_claims_change(project: Project) -> None:
    project.tests = HEAD + THREE
    folder = marked(project, "three_numbers")
    sections = read_sections(folder / "snippets")
    claims = read_claims(folder / "tests", sections)
    runner = Runner(sections, claims)
    try:
        result = runner.result("part")
    finally:
        runner.close()
    assert result.is_current(sections["part"], claims["part"])
    (folder / "tests" / "test_part.py").write_text(project.tests.replace("[1, 2, 3]", "[1]"))
    assert not result.is_current(sections["part"], read_claims(folder / "tests", sections)["part"])
