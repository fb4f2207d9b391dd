"""A sound project in which a test plants one fault, and what a build has to do then."""

import contextlib
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from proven.problems import ProjectError
from proven.runner import warm_up
from proven.settings import read_settings
from tests.helpers.projects import Project, contents, mkdocs_here, processes, publish_by_hand

SCRIPT = """# %% first
numbers = [1, 2, 3]
print("three numbers:", len(numbers) == 3)

# %% second fold="output"
numbers.append(4)
print(numbers)
"""
ZH, EN = "docs/zh/index.md", "docs/en/index.md"
PAGE = """# {title} {{#title}}

```snippet
part.first
```

{sentence}`#!claim three_numbers`

## {title} {{#second}}

```snippet
part.second
```

```sh
ls -a
```

```math
a + b
```
"""
TESTS = '''from proven.testing import after


def test_three_numbers() -> None:
    """The list has three numbers.

    列表里有三个数。
    """
    assert after("part.first").numbers == [1, 2, 3]
'''

Plant = Callable[[Project], list[str]]


def sound(folder: Path) -> Project:
    """Write a project that builds, with all that a section may have."""
    project = Project(folder, SCRIPT, tests=TESTS)
    project.pages = {
        "zh": PAGE.format(title="标题", sentence="有三个数。"),
        "en": PAGE.format(title="Title", sentence="There are three."),
    }
    project.write()
    return project


def read(project: Project, path: str) -> str:
    """The text of a file of the project."""
    return (project.folder / path).read_text(encoding="utf-8")


def edit(project: Project, path: str, old: str, new: str) -> None:
    """Replace a piece of a file that is there once."""
    text = read(project, path)
    assert text.count(old) == 1, f"{path} has {text.count(old)} times {old!r}"
    project.file(path, text.replace(old, new))


def place(project: Project, path: str, piece: str, last: bool = False) -> str:
    """Where a file says something, as messages of the engine name it: on the first such line."""
    lines = [n for n, line in enumerate(read(project, path).split("\n"), 1) if piece in line]
    return f"{path}:{lines[-1 if last else 0]}"


def fences(project: Project, snippet: str) -> list[str]:
    """Where the home pages show a snippet, Chinese first."""
    found = (place(project, path, snippet).split(":") for path in (ZH, EN))
    return [f"{path}:{int(line) - 1}" for path, line in found]


def cell(code: str, *says: str, at: str = "", raises: str = "") -> Plant:
    """Plant code at the end of the first cell.

    The build must say `says`, the line of the script that has `at` (the last one of the code, where
    nothing else is given), the snippet, and the line of its fence on both pages.
    """

    def plant(project: Project) -> list[str]:
        script, name = "snippets/part.py", "part.first"
        declared = f'# %% first raises="{raises}"\n' if raises else "# %% first\n"
        edit(project, script, "# %% first\n", declared)
        edit(project, script, "\n\n# %% second", f"\n{code}\n\n# %% second")
        line = place(project, script, at or code.split("\n")[-1])
        places = ", ".join([line, *fences(project, name)])
        return [*says, f"  snippet  {name}\n  at       {places}\n"]

    return plant


def fails(project: Project, says: list[str]) -> str:
    """Build a project with a fault, and see that all that should happen does, and nothing else.

    The build has to say all of `says`, the first of it once. Returned is all that it said.
    """
    site = publish_by_hand(project.folder / "site")
    with contextlib.suppress(ProjectError):  # the fork server's own folder is not of this build
        warm_up(read_settings(project.folder))
    before, default = _sources(project), tempfile.tempdir
    # outside of the folder of the test: the names of sockets are short
    tempfile.tempdir = tempfile.mkdtemp(prefix="fault-")
    temporary = Path(tempfile.tempdir)
    try:
        done = mkdocs_here(project.folder, "build")
        left = left_by(temporary, project.folder)
    finally:
        tempfile.tempdir = default
        shutil.rmtree(temporary, ignore_errors=True)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout, done.stdout
    for piece in says:
        assert piece in done.stdout, f"it does not say {piece!r}:\n{done.stdout}"
    assert done.stdout.count(says[0]) == 1, done.stdout
    assert re.search(r"^  at {7}\S", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^  do {7}\S", done.stdout, re.MULTILINE), done.stdout
    assert contents(site) == {"good.html": b"the last good site"}
    assert _sources(project) == before
    assert not left
    return done.stdout


def left_by(temporary: Path, *folders: Path) -> list[str]:
    """What a build has left: processes, once they had the time to end, and temporary files."""
    deadline = time.monotonic() + 30
    while running := [p for folder in (temporary, *folders) for p in processes(str(folder))]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return [*running, *(path.name for path in temporary.iterdir())]


def _sources(project: Project) -> dict[str, bytes]:
    """What is in every file of the project, without the bytecode that Python keeps."""
    files = contents(project.folder)
    return {path: text for path, text in files.items() if "__pycache__" not in path}
