"""The process of a section: what it has imported, what it tells, and what it leaves out."""

import hashlib
import sys

import pytest

from tests.helpers.projects import CUDA, Project, refused, run_part


def test_a_module_that_is_missing_is_one_clear_sentence(project: Project) -> None:
    project.settings = {"ahead": ["no_such_module"]}
    message = refused(project, "# %% one\nx = 1\n")
    assert message.startswith("no_such_module cannot be imported: No module named")
    assert "proven.toml:1" in message
    assert "pip install -r requirements.txt" in message


def test_an_error_of_the_engine_in_the_process_is_told_as_one(project: Project) -> None:
    project.pretend(1)
    project.file("machine.py", "def watch() -> None:\n    raise OSError('no more files')\n")
    message = refused(project, "# %% one\nx = 1\n")
    assert message.startswith("the engine itself failed:")
    assert "OSError: no more files" in message
    assert "snippets/part.py:1" in message


def test_a_result_tells_where_it_ran(project: Project) -> None:
    project.pretend(2)
    project.settings["packages"] = ["markdown", "nbformat"]
    result = run_part(project, "# %% one\nx = 1\n")
    assert result.machine.devices == ("Made-up GPU", "Made-up GPU")
    assert result.machine.python == ".".join(map(str, sys.version_info[:3]))
    assert list(result.machine.versions) == ["markdown", "nbformat"]
    assert all(version[0].isdigit() for version in result.machine.versions.values())


def test_the_version_of_torch_is_plain_text(project: Project) -> None:
    import torch

    project.settings = {"ahead": ["torch"], "packages": ["torch"], "devices": CUDA}
    machine = run_part(project, "# %% one\nx = 1\n").machine
    assert machine.versions["torch"] == torch.__version__
    assert type(machine.versions["torch"]) is str  # torch's own kind imports torch where it is read
    assert len(machine.devices) == torch.cuda.device_count()


def test_a_result_names_the_modules_of_the_project_that_it_used(project: Project) -> None:
    helper = project.file("part_help.py", "VALUE = 1\n")
    project.file("part_other.py", "VALUE = 2\n")
    result = run_part(project, "# %% one\nfrom part_help import VALUE\n")
    assert result.modules == ((helper, hashlib.sha256(b"VALUE = 1\n").hexdigest()),)


@pytest.mark.parametrize("start_method", ["spawn", None])
def test_a_cell_sees_nothing_of_how_its_process_was_made(
    project: Project, start_method: str | None
) -> None:
    script = """# %% one
import gc, os
print(gc.isenabled(), "TORCHINDUCTOR_CACHE_DIR" in os.environ)
"""
    options = {"start_method": start_method} if start_method else {}
    (outcome,) = run_part(project, script, **options).outcomes.values()
    assert outcome.output == "True False\n"
