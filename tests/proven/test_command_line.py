"""`python -m snippets` shows in a terminal what a page shows."""

import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT
from tests.engine.projects import Project


def snippets(project: Project, *arguments: str) -> "subprocess.CompletedProcess[str]":
    folder = project.write()
    main = folder / "snippets" / "__main__.py"
    main.write_text((PROJECT / "snippets" / "__main__.py").read_text(encoding="utf-8"))
    return subprocess.run(
        [sys.executable, "-m", "snippets", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "CUDA_VISIBLE_DEVICES": ""},
        encoding="utf-8",
        capture_output=True,
    )


SCRIPT = """# %% one
x = 1
print("one", x)
# %% two raises="TypeError"
y = 2
x + "a"
# %% three needs="cuda:2"
z = 3
# %% four
print("four", x, y)
"""


def test_list_names_every_snippet_and_what_it_declares(project: Project) -> None:
    project.script = SCRIPT
    done = snippets(project, "list")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["part.one"],
        ["part.two", "raises", "TypeError"],
        ["part.three", "needs", "cuda:2"],
        ["part.four"],
    ]


def test_run_of_a_section_shows_outputs_errors_and_skips(project: Project) -> None:
    project.script = SCRIPT
    done = snippets(project, "run", "part")
    assert done.returncode == 0
    assert "one 1\n" in done.stdout
    assert "line 2: TypeError: unsupported operand type(s) for +: 'int' and 'str'" in done.stdout
    assert "needs 2 CUDA GPUs, and this build had no CUDA device" in done.stdout
    assert "four 1 2\n" in done.stdout


def test_run_of_a_snippet_runs_what_it_builds_on_and_shows_it_alone(project: Project) -> None:
    project.script = SCRIPT.replace("four", "fourth") + "# %% five\n1 / 0\n"
    done = snippets(project, "run", "part.fourth")
    assert done.returncode == 0
    assert "fourth 1 2\n" in done.stdout
    assert "one 1" not in done.stdout


def test_the_output_is_utf8_whatever_the_locale(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    project.script = '# %% one\nprint("x")  # left | 左\n'
    done = snippets(project, "run", "part")
    assert done.returncode == 0, done.stderr
    assert "# left | 左" in done.stdout


def test_errors_go_to_standard_error_with_a_status(project: Project) -> None:
    project.script = "# %% one\n1 / 0\n"
    done = snippets(project, "run", "part.one")
    assert done.returncode == 1
    assert "snippets/part.py:2" in done.stderr
    assert "Traceback" not in done.stderr

    done = snippets(project, "run", "part.none")
    assert done.returncode == 1
    assert "no snippet and no section 'part.none'" in done.stderr


FAKED = """# %% setup
import torch
from snippets.engine import preload
preload.device_count = lambda: {count}
torch.cuda.get_device_name = lambda number: "Made-up GPU"
# %% one needs="cuda:1"
print("on the device")
"""


def test_record_writes_one_file_for_the_hardware(project: Project) -> None:
    project.script = FAKED.format(count=1)
    done = snippets(project, "record", "part")
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout
        == "snippets/records/part.made-up-gpu-x1.json: 1 snippets and 0 claims recorded\n"
    )
    (path,) = (project.folder / "snippets" / "records").iterdir()
    assert '"on the device"' in path.read_text(encoding="utf-8")


def test_record_refuses_a_machine_without_a_device_and_a_section_that_needs_none(
    project: Project,
) -> None:
    project.script = FAKED.format(count=0)
    done = snippets(project, "record", "part")
    assert done.returncode == 1
    assert "sees no CUDA device, so there is nothing to record" in done.stderr

    project.script = FAKED.format(count=1).replace(' needs="cuda:1"', "")
    done = snippets(project, "record", "part")
    assert done.returncode == 1
    assert "no snippet of part needs a device" in done.stderr
    assert not (project.folder / "snippets" / "records").exists()
