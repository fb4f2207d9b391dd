"""Recorded runs: what is kept, what can be read back, and what poses as one."""

import json
import logging
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proven.cells import Raised
from proven.claims import read_claims
from proven.problems import Problem, ProjectError
from proven.project import read_project
from proven.records import Record, make_record, read_records, sealed, write_record
from proven.scripts import read_sections
from proven.settings import read_settings
from proven.svg import clean
from proven.worker import Machine
from tests.helpers.projects import Project, mkdocs_here, page, run_part
from tests.helpers.sites import CPU, FIGURE, GPU, GPUS, made_up

SCRIPT = """# %% anywhere
print("on any machine")
# %% one needs="madeup:1"
print("one device")
# %% refused needs="madeup:1" raises="RuntimeError"
raise RuntimeError("two devices <b>")
# %% figure needs="madeup:1"
plot()
# %% two needs="madeup:2"
print("two devices")
"""
NAMES = ["anywhere", "one", "refused", "figure", "two"]
DONE: dict[str, dict[str, Any]] = {
    "part.anywhere": {"output": "elsewhere\n"},
    "part.one": {"output": "one device\n", "seconds": 0.12345},
    "part.refused": {"errors": (Raised("RuntimeError: two devices <b>", 1, 0),)},
    "part.figure": {"figures": (FIGURE,)},
}


@pytest.fixture
def hardware(project: Project) -> Project:
    """A project with snippets that need a device of a kind that is made up."""
    project.script = SCRIPT
    text = page(*(f"part.{name}" for name in NAMES))
    text = text.replace(
        "```snippet\npart.figure",
        '```snippet alt="a line that rises from left to right"\npart.figure',
    )
    project.pages = dict.fromkeys(("zh", "en"), text)
    project.pretend(0)
    return project


def keep(
    project: Project,
    machine: Machine = GPU,
    date: str = "2026-11-23",
    commit: str | None = "0123456789",
) -> Path:
    result = made_up(project, DONE, machine).results["part"]
    folder = project.folder / "snippets" / "records"
    return write_record(folder, make_record(result, date, commit))


def read(project: Project) -> tuple[tuple[Record, ...], list[Problem]]:
    settings = project.read_settings()
    return read_records(settings, read_sections(settings)[0])


def test_a_record_keeps_all_that_ran_and_can_be_read_back(hardware: Project) -> None:
    path = keep(hardware)
    assert path.name == "part.made-up-gpu-80gb-x1.json"
    ((record,), problems) = read(hardware)
    assert problems == []
    assert list(record.outcomes) == [f"part.{name}" for name in NAMES[:-1]]
    assert record.outcomes["part.one"].output == "one device\n"
    assert record.outcomes["part.one"].seconds == 0.123
    assert record.outcomes["part.refused"].error == "RuntimeError: two devices <b>"
    assert record.outcomes["part.figure"].figures == (clean(FIGURE),)
    assert (record.machine, record.date, record.commit) == (GPU, "2026-11-23", "0123456789")


def test_a_record_may_be_of_today(hardware: Project) -> None:
    today = datetime.now(UTC).date()
    keep(hardware, date=today.isoformat())
    assert [record.date for record in read(hardware)[0]] == [today.isoformat()]
    keep(hardware, date=(today + timedelta(days=1)).isoformat())
    (problem,) = read(hardware)[1]
    assert "still to come" in problem.what


def test_a_record_reads_as_a_diff(hardware: Project) -> None:
    text = keep(hardware).read_text(encoding="utf-8")
    assert json.loads(text)["outcomes"][1]["output"] == ["one device", ""]
    assert text.count("\n") > 20


@pytest.mark.parametrize(
    ("machine", "script", "what"),
    [
        (CPU, SCRIPT, "sees no device, so there is nothing to record"),
        (GPU, "# %% one\nx = 1\n", "no snippet of part needs a device"),
    ],
)
def test_where_nothing_can_be_recorded_that_is_said(
    project: Project, machine: Machine, script: str, what: str
) -> None:
    project.pretend(0)
    project.script = script
    with pytest.raises(ProjectError, match=what):
        make_record(made_up(project, {}, machine).results["part"], "2026-11-23", None)


def test_those_with_more_devices_come_first_then_the_later_ones(hardware: Project) -> None:
    other = Machine(GPU.versions, GPU.python, GPU.platform, ("Another GPU",))
    for machine, date in ((GPU, "2026-11-23"), (GPUS, "2026-11-22"), (other, "2026-11-24")):
        keep(hardware, machine, date)
    told = [(len(record.machine.devices), record.date) for record in read(hardware)[0]]
    assert told == [(2, "2026-11-22"), (1, "2026-11-24"), (1, "2026-11-23")]


def test_a_record_of_another_script_is_named_and_not_shown(
    hardware: Project, caplog: pytest.LogCaptureFixture
) -> None:
    keep(hardware)
    hardware.script += "#"  # one character
    with caplog.at_level(logging.INFO, "mkdocs.plugins.proven"):
        assert read(hardware) == ((), [])
    assert "snippets/records/part.made-up-gpu-80gb-x1.json is stale and not shown" in caplog.text
    assert "python -m proven record part" in caplog.text


@pytest.mark.parametrize(
    "edited",
    [
        ("one device", "two devices"),
        ("2026-11-23", "2026-11-22"),
        ('"python": "3.13.0"', '"python": "3.13.1"'),
        ('"0123456789"', "null"),
    ],
)
def test_a_record_that_was_changed_by_hand_is_refused(
    hardware: Project, edited: tuple[str, str]
) -> None:
    path = keep(hardware)
    text = path.read_text(encoding="utf-8")
    assert edited[0] in text
    path.write_text(text.replace(*edited), encoding="utf-8")
    _, (problem, *_) = read(hardware)
    assert "was changed after it was made" in problem.what
    assert '"sha256"' in told(hardware, problem)


def test_a_record_names_the_commit_that_ran(hardware: Project) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        done = subprocess.run(
            ["git", "-C", str(hardware.folder), *who, *words], capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    hardware.write()
    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "without the script")
    empty = git("rev-parse", "HEAD")
    git("add", "snippets")
    git("commit", "--quiet", "--message", "as it is")
    there = git("rev-parse", "HEAD")
    hardware.script = SCRIPT.replace("one device", "a device")
    hardware.write()
    git("commit", "--quiet", "--all", "--message", "as it was")
    other = git("rev-parse", "HEAD")
    hardware.script = SCRIPT
    for commit, says in (
        (there, ""),
        (f"{other}+", ""),  # files differed from it
        ("0" * 40, ""),  # nobody has it here
        ("--output=x", ""),
        (other, f"at the commit {other[:10]} that it names, snippets/part.py was another file"),
        (empty, f"at the commit {empty[:10]} that it names, there was no snippets/part.py"),
    ):
        shutil.rmtree(hardware.folder / "snippets" / "records", ignore_errors=True)
        keep(hardware, commit=commit)
        _, problems = read(hardware)
        assert [problem.what for problem in problems] == [
            f"the record is not of its run: {says}"
        ] * bool(says)
        assert all('"commit"' in told(hardware, problem) for problem in problems)
    assert not (hardware.folder / "x").exists()


def told(project: Project, problem: Problem) -> str:
    place, _, line = problem.places[0].rpartition(":")
    return (project.folder / place).read_text().split("\n")[int(line) - 1]


def test_a_record_counts_with_other_line_ends(hardware: Project) -> None:
    path = keep(hardware)
    for file in (path, hardware.folder / "snippets" / "part.py"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    settings = read_settings(hardware.folder)
    records, problems = read_records(settings, read_sections(settings)[0])
    assert (len(records), problems) == (1, [])


def test_a_record_is_of_all_files_of_the_project_that_ran(project: Project) -> None:
    project.pretend(1)
    project.file("helper.py", "TOLD = 'from a module'\n")
    project.script = '# %% one needs="madeup:1"\nimport helper\nprint(helper.TOLD)\n'
    folder = project.folder / "snippets" / "records"
    path = write_record(folder, make_record(run_part(project, project.script), "2026-11-23", None))
    assert list(json.loads(path.read_text())["files"]) == [
        "helper.py",
        "machine.py",
        "snippets/part.py",
    ]
    assert len(read(project)[0]) == 1
    project.file("helper.py", "TOLD = 'from another'\n")
    assert read(project) == ((), [])


HELPED = '''import pytest
from cards import LIMIT

SIZES = [1, 2]


def tried():
    return SIZES


def unused():
    return 1


@pytest.mark.gpu(1)
def test_sizes() -> None:
    """There are sizes.

    有大小。
    """
    assert len(tried()) < LIMIT
'''


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("tests/test_part.py", "return 1", "return 2", True),
        ("tests/test_part.py", "import pytest", "import pytest\nimport os", True),
        ("tests/test_part.py", "[1, 2]", "[1]", False),
        ("tests/test_part.py", "return SIZES", "return SIZES[1:]", False),
        ("tests/test_part.py", "len(tried())", "0 * len(tried())", False),
        ("tests/test_part.py", "def unused():\n    return 1", "def SIZES():\n    return 1", False),
        ("cards.py", "5", "500", False),
    ],
)
def test_a_claim_is_recorded_with_all_that_its_test_calls(
    hardware: Project, file: str, old: str, new: str, same: bool
) -> None:
    hardware.tests = HELPED
    hardware.file("cards.py", "LIMIT = 5\n")
    hardware.write()

    def hashed() -> str:
        settings = read_settings(hardware.folder)
        return read_claims(settings, read_sections(settings)[0])[0]["sizes"].sha256

    before, text = hashed(), (hardware.folder / file).read_text()
    assert old in text
    hardware.file(file, text.replace(old, new))
    assert (hashed() == before) == same


def change(**values: object) -> Callable[[dict[str, Any]], object]:
    def made(data: dict[str, Any]) -> None:
        data.update(values)

    return made


def outcome(**values: object) -> Callable[[dict[str, Any]], object]:
    def made(data: dict[str, Any]) -> None:
        data["outcomes"][1].update(values)

    return made


@pytest.mark.parametrize(
    ("plant", "what"),
    [
        (dict.clear, "is no record of a run: the record lacks a field"),
        (lambda data: data.pop("machine"), "the record lacks a field, or has one too many"),
        (lambda data: data["machine"].update(devices=[]), "it names no device"),
        (lambda data: data["machine"].update(devices=["Other"]), "part.other-x1.json"),
        (lambda data: data["machine"].update(devices="GPU"), "machine.devices cannot be"),
        (lambda data: data["machine"].update(devices=["GPU\n::error::x"]), "is no name"),
        (lambda data: data["machine"].update(python="\x1b[2J"), "is no name"),
        (change(date=7), "the record.date cannot be 7"),
        (change(date="2099-01-01"), "which is still to come"),
        (change(date="yesterday"), "is no date"),
        (change(section="other"), "by its content it is other.made-up"),
        (change(more=1), "one too many"),
        (change(claims={"a": 1}), "claims.a cannot be 1"),
        (change(commit="c" * 999), "is no name"),
        (outcome(state="skipped"), "a snippet that did not run"),
        (outcome(had=True), "outcomes.part.one.had cannot be true"),
        (outcome(output=[1]), "outcomes.part.one.output cannot be"),
        (
            outcome(errors=[{"text": "E", "line": True, "after": 0}]),
            "part.one.errors[0].line cannot be true",
        ),
        (outcome(state="raised"), "and what it shows is of no such run"),
        (outcome(output="x" * 5_000_000), "more than a page shows"),
        (outcome(output="\x1b[31mred"), "control characters"),
        (outcome(output="<object at 0x7f0011223344>"), "a memory address"),
        (outcome(figures=["<svg><script/></svg>"]), "its figure holds"),
        (outcome(name="part.refused"), "holds a snippet twice"),
        (change(outcomes=["x"]), 'the record.outcomes.x lacks a field, or has one too many: "x"'),
        (outcome(name="part.none"), "the script has no such snippet"),
        (outcome(name="part.two"), "which needs 2 device(s), and is of 1"),
        (lambda data: data["outcomes"].pop(1), "the record lacks part.one"),
        (lambda data: data["outcomes"].pop(0) and data["outcomes"].pop(0), "lacks part.one"),
        (lambda data: data["outcomes"].pop(2), "the record lacks part.refused"),
        (
            lambda data: data["outcomes"][2].update(errors=[], state="ran"),
            "part.refused ran, and the script declares otherwise",
        ),
    ],
)
def test_what_no_run_of_this_script_can_have_done_is_refused(
    hardware: Project, plant: Callable[[dict[str, Any]], object], what: str
) -> None:
    path = keep(hardware)
    data = json.loads(path.read_text(encoding="utf-8"))
    plant(data)
    path.write_text(json.dumps(sealed(data), indent=1))
    _, (problem, *_) = read(hardware)
    assert what in problem.what
    assert problem.places[0].startswith("snippets/records/part.made-up-gpu-80gb-x1.json:")
    assert "python -m proven record part" in problem.advice


@pytest.mark.parametrize("text", ["", "[]", "7", "{", "[" * 100_000, b"\xef\xbb\xbf{}"])
def test_a_file_that_is_no_record_is_refused(hardware: Project, text: str | bytes) -> None:
    path = keep(hardware)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    _, (problem,) = read(hardware)
    assert "is no record of a run" in problem.what
    assert problem.places == ("snippets/records/part.made-up-gpu-80gb-x1.json:1",)
    assert read_project(hardware.read_settings()).problems == (problem,)


@pytest.mark.parametrize("name", ["other.json", "part.made-up-gpu-80gb-x1.JSON"])
def test_a_file_of_another_name_is_told_what_to_do(hardware: Project, name: str) -> None:
    path = keep(hardware)
    path.rename(path.with_name(name))
    _, (problem,) = read(hardware)
    assert problem.what.endswith("by its content it is part.made-up-gpu-80gb-x1.json")
    assert ("python -m proven record part" in problem.advice) == name.startswith("part")
    assert "record other" not in problem.advice


def test_a_record_of_a_file_that_there_cannot_be_is_stale(hardware: Project) -> None:
    path = keep(hardware)
    data = json.loads(path.read_text(encoding="utf-8"))
    data["files"]["a" * 5_000] = "0"
    path.write_text(json.dumps(sealed(data), indent=1))
    assert read(hardware) == ((), [])


def test_a_build_shows_a_record_with_its_provenance(hardware: Project) -> None:
    hardware.script = SCRIPT.replace("plot()", "import matplotlib.pyplot as plt\nplt.plot([1])")
    keep(hardware)
    done = mkdocs_here(hardware.write(), "build")
    assert done.returncode == 0, done.stdout
    html = (hardware.folder / "site" / "en" / "index.html").read_text(encoding="utf-8")
    label = "1 × Made-up GPU 80GB, recorded 2026-11-23"
    assert html.count(f">{label} <span>· not run here</span></p>") == 3
    tabs = re.findall(r'role="tab" data-run="([^"]*)".*?>(.*?)</button>', html)
    assert tabs == [("made-up-gpu-80gb-x1", label), ("here", "CPU, this build")]
    assert re.findall(r"<samp>(elsewhere|on any machine)</samp>", html) == [
        "elsewhere",
        "on any machine",
    ]
    assert "two devices &lt;b&gt;" in html
    assert 'aria-label="a line that rises from left to right"' in html
    rows = json.loads((hardware.folder / "site" / "build.json").read_text())["snippets"]
    assert [(row["state"], row.get("record")) for row in rows] == [
        ("ran", None),
        *[("skipped", "snippets/records/part.made-up-gpu-80gb-x1.json")] * 3,
        ("skipped", None),
    ]
