"""A build proves every claim, in a fork or without one, or publishes nothing and says which fails."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from proven.problems import ProjectError
from proven.project import read_project
from proven.records import folder_of, make_record, write_record
from proven.runner import Result, run
from tests.helpers.faults import fails
from tests.helpers.projects import PROJECT, Project, mkdocs_here, page

SCRIPT = """# %% one
numbers = [1, 2, 3]
print("three numbers:", len(numbers) == 3)
# %% two
numbers.append(4)
print(numbers)
"""
HEAD = "import os\n\nimport pytest\n\nfrom proven.testing import after, shown\n\n"


def claim(name: str, body: str) -> str:
    """A test that is a claim."""
    return f'\ndef test_{name}() -> None:\n    """It holds.\n\n    成立。\n    """\n    {body}\n'


THREE = claim("three_numbers", 'assert after("part.one").numbers == [1, 2, 3]')


def marked(project: Project, *names: str, script: str = SCRIPT) -> Path:
    """Write the project with a sentence for each named claim, after its snippets."""
    cells = [f"part.{line.split()[2]}" for line in script.splitlines() if line.startswith("# %%")]
    sentences = {"zh": "这是第{}句。`#!claim {}`", "en": "First. Sentence {}.`#!claim {}`"}
    for language, pattern in sentences.items():
        rows = [pattern.format(number, name) for number, name in enumerate(names, 1)]
        project.pages[language] = "\n\n".join([page(*cells), *rows]) + "\n"
    project.script = script
    return project.write()


def proven(project: Project) -> Result:
    """Run the section and prove its claims."""
    found = read_project(project.read_settings())
    return run(found.settings, found.sections.values(), found.claims.values())["part"]


@pytest.mark.parametrize("forks", [True, False], ids=["fork", "no fork"])
@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('assert after("part.one").numbers == [1, 2]', "AssertionError"),
        ('assert "four" in shown("part.one").output', 'assert "four" in shown("part.one").output'),
        ('raise ValueError("not at all")', "ValueError: not at all"),
        ('pytest.fail("gives up")', "Failed: gives up"),
        ('after("part.none")', "there is no snippet 'part.none'"),
        ("os._exit(0)", "died"),
        (
            'with pytest.raises(OSError):\n        open(__file__ + ".left", "w")',
            "a section may write only to its temporary directory",
        ),
    ],
)
def test_a_claim_that_does_not_hold_fails_the_build_and_names_the_sentence(
    project: Project, body: str, told: str, forks: bool
) -> None:
    project.tests = HEAD + claim("wrong", body)
    project.pretend(0, forks=forks)
    marked(project, "wrong")
    said = fails(project, [told, "tests/test_part.py:"])
    assert "claim    wrong\n  sentence 这是第1句。 / Sentence 1.\n" in said
    for place in ("docs/zh/index.md:12", "docs/en/index.md:12", "pytest tests/test_part.py"):
        assert place in said


def test_tests_that_cannot_be_imported_fail_the_build(project: Project) -> None:
    project.tests = "import no_such_module\n" + HEAD + THREE
    marked(project, "three_numbers")
    fails(project, ["the tests cannot be imported: ModuleNotFoundError", "tests/test_part.py:1"])


@pytest.mark.parametrize("forks", [True, False], ids=["fork", "no fork"])
def test_a_claim_can_change_nothing_on_the_page_nor_for_another_claim(
    project: Project, forks: bool
) -> None:
    project.pretend(0, forks=forks)
    spoils = (
        'state = after("part.one")\n    state.numbers.clear()\n    print("noise")\n'
        '    open("left", "w").close()\n    assert after("part.one").numbers == [1, 2, 3]'
    )
    project.tests = HEAD + claim("spoils", spoils) + THREE
    script = SCRIPT + '# %% three\nimport os\n\nprint(os.listdir("."))\n'
    marked(project, "spoils", "three_numbers", script=script)
    result = proven(project)
    assert result.proofs == {"spoils": "proven", "three_numbers": "proven"}
    assert [outcome.output for outcome in result.outcomes.values()] == [
        "three numbers: True\n",
        "[1, 2, 3, 4]\n",
        "[]\n",
    ]


# a device that a cell asks for: from then on the process may not fork
ASKED = """import os

asked, forks, cells, process = False, [], [], None


def watch() -> None:
    global process
    process = os.getpid()
    os.register_at_fork(before=lambda: forks.append(list(cells)))


def count() -> int:
    return 0


def describe() -> tuple[tuple[str, ...], dict[str, str]]:
    return (), {}


def may_fork() -> bool:
    return not asked
"""
ASKING = """# %% one
import machine

machine.cells.append("one")
# %% two
machine.asked = True
machine.cells.append("two")
# %% three
machine.cells.append("three")
"""


def test_a_process_that_has_asked_for_a_device_is_never_forked(project: Project) -> None:
    project.settings = {"devices": {"madeup": "machine"}}
    project.file("machine.py", ASKED)
    beside = 'assert os.getpid() != machine.process\n    assert machine.cells == ["one"]'
    inside = (
        "assert os.getpid() == machine.process\n"
        '    assert machine.forks == [["one"]]\n'  # for the claim about the first cell, then no more
        '    assert machine.cells[:3] == ["one", "two", "three"]'
    )
    project.tests = f"import machine\n{HEAD}" + "".join(
        claim(name, f"{body}\n    assert after({cell!r}).machine.cells")
        for name, body, cell in (
            ("before", beside, "part.one"),
            ("then", inside, "part.two"),
            ("later", inside, "part.three"),
        )
    )
    marked(project, "before", "then", "later", script=ASKING)
    assert proven(project).proofs == dict.fromkeys(("before", "then", "later"), "proven")


def test_a_process_that_may_fork_proves_a_claim_right_after_its_snippet(project: Project) -> None:
    project.settings = {"devices": {"madeup": "machine"}}
    project.file("machine.py", ASKED)
    body = (
        'assert machine.cells == ["one"], machine.cells\n    assert after("part.one").machine.cells'
    )
    project.tests = f"import machine\n{HEAD}" + claim("early", body)
    marked(project, "early", script=ASKING)
    assert proven(project).proofs == {"early": "proven"}
    project.file("machine.py", ASKED.replace("return not asked", "return False"))
    with pytest.raises(ProjectError, match=r"'one', 'two', 'three'"):
        proven(project)


def test_claims_are_proven_where_every_section_starts_afresh(project: Project) -> None:
    project.tests = HEAD + THREE + claim("wrong", 'assert shown("part.two").output == "[]"')
    marked(project, "three_numbers", "wrong")
    found = read_project(project.read_settings())
    sections = found.sections.values()
    good = [found.claims["three_numbers"]]
    result = run(found.settings, sections, good, start_method="spawn")["part"]
    assert result.proofs == {"three_numbers": "proven"}
    with pytest.raises(ProjectError, match="claim    wrong"):
        run(found.settings, sections, found.claims.values(), start_method="spawn")


HARDWARE = """# %% one
x = 1
# %% two needs="madeup:1"
print("one device")
"""
ON_GPU = claim("on_gpu", 'assert "one device" in shown("part.two").output').replace(
    "\ndef", "\n@pytest.mark.gpu(1)\ndef"
)


def test_a_claim_that_needs_a_device_is_proven_or_recorded_or_skipped(project: Project) -> None:
    project.tests = HEAD + ON_GPU
    project.pretend(0)
    folder = marked(project, "on_gpu", script=HARDWARE)

    def state(devices: int, *words: str) -> str:
        project.pretend(devices)
        done = mkdocs_here(folder, "build")
        assert done.returncode == 0, done.stdout
        text = (folder / "site" / "en" / "index.html").read_text(encoding="utf-8")
        [mark] = LexborHTMLParser(text).css("span.claim")
        told = (folder / "site" / "en" / "marks.js").read_text(encoding="utf-8")
        assert all(word in told for word in words), told
        [row] = json.loads((folder / "site" / "build.json").read_text())["claims"]
        assert row["state"] == mark.attributes["data-state"]
        return str(row["state"])

    unproven = "Its test needs one device of the kind madeup, and this build had none."
    assert state(0, unproven) == "skipped"
    assert state(1, "1 × Made-up GPU") == "proven"
    record = make_record(proven(project), "2026-11-23", "0123456789")
    write_record(folder_of(project.read_settings()), record)
    assert state(0, "passed on another machine on 2026-11-23", "1 × Made-up GPU") == "recorded"
    project.tests = project.tests.replace('"one device" in', '"device" in')
    project.write()
    assert state(0, unproven) == "skipped"


def test_a_result_is_not_current_when_its_claims_have_changed(project: Project) -> None:
    project.tests = HEAD + THREE
    marked(project, "three_numbers")
    result = proven(project)
    settings = project.read_settings()
    found = read_project(settings)
    assert result.claims == tuple(found.claims.values())
    project.file("tests/test_part.py", HEAD + THREE.replace("[1, 2, 3]", "[1]"))
    changed = read_project(settings)
    assert not result.is_current(changed.sections["part"], tuple(changed.claims.values()), {})


FAMILY = '''from proven.testing import after, over, shown


def test_all_are_positive() -> None:
    """All are positive.

    全是正数。
    """
    for number in over(after("part.one").numbers, "numbers | 个数"):
        for scale in over([1, 10], "scales | 种比例"):
            assert number * scale > 0


def test_one_is_positive() -> None:
    """One is positive.

    有正数。
    """
    assert "" == shown("part.one").output
'''


def family(project: Project, numbers: str) -> Project:
    project.script, project.tests = f"# %% one\nnumbers = {numbers}\n", FAMILY
    marks = "\nAll are.`#!claim all_are_positive` One is.`#!claim one_is_positive`\n"
    project.pages = dict.fromkeys(("zh", "en"), page("part.one") + marks)
    return project


def test_a_claim_tells_on_how_many_cases_it_was_tried(project: Project) -> None:
    result = proven(family(project, "[1, 2, 2]"))
    assert result.reach == {"all_are_positive": (("numbers | 个数", 2), ("scales | 种比例", 2))}


def test_the_case_that_fails_is_named(project: Project) -> None:
    with pytest.raises(ProjectError, match=r"AssertionError[\s\S]*in the case 1\n"):
        proven(family(project, "[1, -3]"))


def test_a_family_without_a_member_proves_nothing(project: Project) -> None:
    with pytest.raises(ProjectError, match="there is no case of 'numbers"):
        proven(family(project, "[]"))


def test_a_family_is_named_in_every_language(project: Project) -> None:
    made = family(project, "[1]")
    made.tests = made.tests.replace("numbers | 个数", "numbers")
    with pytest.raises(ProjectError, match="'numbers' lacks a language"):
        proven(made)


HOLDS = 'assert after("part.one").numbers == [1, 2, 3]'


@pytest.mark.parametrize("forks", [True, False], ids=["fork", "no fork"])
@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("assert True", "ran no assertion that could fail"),
        (f"return\n    {HOLDS}", "ran no assertion that could fail"),
        ("x = 1\n    assert x == 1", "could fail and looks at the section or a library"),
        (f"{HOLDS}\n    yield", "returns generator, as if it had yet to run"),
        (f"{HOLDS}\n    return True", "returns bool"),
        (f"async def later():\n        {HOLDS}\n    return later()", "returns coroutine"),
        (
            f"{HOLDS}\n    try:\n        assert after('part.one').numbers == 4\n    except Exception: pass",
            "an assertion of a claim failed, and its test went on",
        ),
        (f'{HOLDS}\n    pytest.skip("not today")', "Skipped: not today"),
        (f'{HOLDS}\n    pytest.xfail("not today")', "not today"),
        (
            f"{HOLDS}\n\n\ntest_wrong = lambda: None",
            "under the name of the test there is another function",
        ),
        (f"{HOLDS}\n\n\ndef test_wrong():\n    pass", "there is another function"),
        (f"{HOLDS}\n\n\ndel test_wrong", "there is another function"),
        (f"{HOLDS}\n\n\ntest_wrong.__code__ = (lambda: None).__code__", "another function"),
        (f"{HOLDS}\n\n\nafter = lambda name: shown(name)", "after is not that of proven.testing"),
        (
            f"from proven.testing import over\n    n = list(over(range(500), 'n | n'))\n    {HOLDS}",
            "asserts nothing of the cases of 'n | n'",
        ),
        (
            "from proven.testing import over\n    for n in sorted(over(range(9), 'n | n')):\n"
            "        if n < 3: assert after('part.one').numbers[n] == n + 1",
            "asserts nothing of the cases of 'n | n'",
        ),
        ("assert after('part.one').numbers", "ran no assertion that could fail"),
        ("if shown('part.one').error: raise AssertionError", "ran no assertion that could fail"),
    ],
)
def test_a_claim_that_cannot_fail_is_refused_with_its_line(
    project: Project, body: str, told: str, forks: bool
) -> None:
    project.pretend(0, forks=forks)
    project.tests = HEAD + claim("wrong", body)
    marked(project, "wrong")
    with pytest.raises(ProjectError) as caught:
        proven(project)
    [problem] = caught.value.problems
    assert told in problem.what
    assert problem.claim == "wrong"
    assert problem.places[0].startswith("tests/test_part.py:")


SPOILS = """import os
os.environ["SPOILT"] = "yes"
CALLS = []
"""


def test_what_tests_do_when_they_are_imported_reaches_no_page(project: Project) -> None:
    script = SCRIPT + '# %% three\nimport os\nprint(os.environ.get("SPOILT"))\n'
    project.tests = SPOILS + HEAD + claim("spoils", HOLDS)
    marked(project, "spoils", script=script)
    assert proven(project).outcomes["part.three"].output == "None\n"


def test_each_claim_starts_from_the_same_state(project: Project) -> None:
    project.tests = (
        "import math\nCALLS = []\n"
        + HEAD
        + "".join(
            claim(
                name,
                "assert not CALLS and math.pi > 3 and os.environ.get('SPOILT') is None\n"
                "    CALLS.append(1)\n    math.pi = 0\n    os.environ['SPOILT'] = '1'\n    "
                + looks,
            )
            for name, looks in (
                ("a", HOLDS),
                ("b", HOLDS),
                ("c", 'assert shown("part.one").output'),
                ("d", 'assert shown("part.two").output'),
            )
        )
    )
    marked(project, *"abcd")
    assert proven(project).proofs == dict.fromkeys("abcd", "proven")


@pytest.mark.parametrize("forks", [True, False], ids=["fork", "no fork"])
@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("    __builtins__['bin'] = None", "the test of a claim changed bin, and others come"),
        ("\n__builtins__['bin'] = None", "the tests change bin when they are imported"),
    ],
)
def test_what_a_section_uses_as_well_is_left_by_a_claim_as_it_was(
    project: Project, body: str, told: str, forks: bool
) -> None:
    project.pretend(0, forks=forks)
    project.tests = HEAD + THREE + claim("spoils", f"{HOLDS}\n{body}")
    marked(project, "three_numbers", "spoils")
    with pytest.raises(ProjectError, match=told) as caught:
        proven(project)
    assert len(caught.value.problems) == 1


OPENED = """# %% one
numbers = [1, 2, 3]
with open("notes.txt", "w") as file:
    print(*"abc", sep="\\n", file=file)
notes = open("notes.txt")
# %% two
print(notes.read().split(), open("notes.txt").read() == "a\\nb\\nc\\n")
"""


@pytest.mark.parametrize(
    "spoils",
    [
        "STATE.notes.readline()",
        "os.lseek(STATE.notes.fileno(), 1, 0)",
        'open(os.path.realpath(f"/proc/self/fd/{STATE.notes.fileno()}"), "w").close()',
        'open(os.path.realpath(f"/proc/self/fd/{STATE.notes.fileno()}") + "2", "w").close()',
        'os.remove(os.path.realpath(f"/proc/self/fd/{STATE.notes.fileno()}"))',
    ],
)
def test_a_claim_that_touches_files_of_the_section_is_refused(
    project: Project, spoils: str
) -> None:
    body = f'STATE = after("part.one")\n    assert len(STATE.numbers) == 3\n    {spoils}'
    project.tests = HEAD + claim("spoils", body)
    marked(project, "spoils", script=OPENED)
    with pytest.raises(ProjectError, match="changed a file of the section"):
        proven(project)


def test_what_the_build_tells_may_go_to_a_file(project: Project) -> None:
    """It grows while a claim is being proven, and is no file of the section."""
    project.tests = HEAD + claim(
        "waits", 'import time; time.sleep(0.5); assert len(after("part.one").numbers) == 3'
    )
    marked(project, "waits")
    command = [sys.executable, "-m", "mkdocs", "build"]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    with (project.write() / "log.txt").open("ab", buffering=0) as log:
        build = subprocess.Popen(
            command, cwd=project.folder, stdout=log, stderr=log, env=environment
        )
        while build.poll() is None:
            log.write(b"x")
            time.sleep(0.01)
    assert build.returncode == 0, (project.folder / "log.txt").read_text()


def test_the_tests_that_run_are_those_that_were_read(project: Project) -> None:
    project.tests = HEAD + THREE
    marked(project, "three_numbers")
    found = read_project(project.read_settings())
    project.file("tests/test_part.py", HEAD + THREE.replace("== [", "!= ["))
    result = run(found.settings, found.sections.values(), found.claims.values())["part"]
    assert result.proofs == {"three_numbers": "proven"}


def test_modules_that_only_tests_import_belong_to_a_result(project: Project) -> None:
    helper = project.file("tests/helper.py", "VALUE = 3\n")
    body = 'from tests.helper import VALUE\n    assert len(after("part.one").numbers) == VALUE'
    project.tests = HEAD + claim("three", body)
    project.file("tests/__init__.py", "")
    marked(project, "three")
    assert helper in [path for path, _ in proven(project).modules]


def test_claims_take_nothing_of_the_time_of_the_cells(project: Project) -> None:
    project.pretend(0, forks=False)
    body = 'import time; time.sleep(1.5); assert len(after("part.one").numbers) == 3'
    names = ["first", "second", "third", "fourth", "fifth"]
    project.tests = HEAD + "".join(claim(name, body) for name in names)
    marked(project, *names)
    found = read_project(project.read_settings())
    result = run(found.settings, found.sections.values(), found.claims.values(), time_limit=7.0)
    assert set(result["part"].proofs.values()) == {"proven"}


def test_a_claim_without_end_is_named_where_nothing_is_forked(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proven.runner.GRACE", 0.5)
    project.pretend(0, forks=False)
    project.tests = HEAD + THREE + claim("endless", 'while after("part.two"): pass')
    marked(project, "three_numbers", "endless")
    found = read_project(project.read_settings())
    with pytest.raises(ProjectError) as caught:
        run(found.settings, found.sections.values(), found.claims.values(), time_limit=4.0)
    [problem] = caught.value.problems
    assert problem.what == "the test of a claim was still running after 2 s"
    assert problem.claim == "endless"
    assert problem.places[0].startswith("tests/test_part.py:")
