"""What `make compare` counts: it must not disturb the builds that it watches."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from proven.notebooks import CHAPTER
from tests.helpers.projects import PROJECT, Project, page
from tools import compare
from tools.compare import CONTROL, PAGE, TOOLS, WATCH, lay_out, loads, noted

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="make compare runs on Linux only")

TESTS = '''
from proven.testing import after


def test_x_is_one() -> None:
    """The name `x` stands for one.

    名字 `x` 代表一。
    """
    assert after("part.one").x == 1
'''


def test_a_build_may_fork_while_its_processes_are_counted(project: Project, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    project.script, project.tests = "# %% one\nx = 1\n", TESTS
    project.pages = {
        "zh": page("part.one") + "\n`x` 是一。`#!claim x_is_one`\n",
        "en": page("part.one") + "\nIt is one.`#!claim x_is_one`\n",
    }
    starts = noted(tmp_path)
    path = os.pathsep.join([str(tmp_path), str(PROJECT)])
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build"],
        cwd=project.write(),
        env={**os.environ, "PYTHONPATH": path},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    started = starts()
    assert started.keys() == {"start", "fork"}
    assert started["fork"] >= 3  # a section, its claim, the other language


def test_other_tools_get_the_notebook_of_each_page_without_its_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notebooks").mkdir()
    for name in (f"{PAGE[1]}.{PAGE[0]}", "errata.zh", f"{CHAPTER}.zh"):
        cell = new_code_cell("1", outputs=[new_output("stream", text="1")], execution_count=1)
        notebook = new_notebook(cells=[new_markdown_cell("# Title"), cell])
        nbformat.write(notebook, tmp_path / "notebooks" / f"{name}.ipynb")
    monkeypatch.setattr(compare, "BUILD", tmp_path)
    project = tmp_path / "project"
    for fault, names in (
        (None, ["errata.ipynb", f"{PAGE[1]}.ipynb"]),
        (CONTROL, [f"{PAGE[1]}.ipynb"]),
    ):
        lay_out(TOOLS[1], project, "strict", fault)
        written = sorted((project / "docs").rglob("*.ipynb"))
        assert sorted(path.name for path in written) == sorted(names)
        cells = [cell for path in written for cell in nbformat.read(path, 4).cells]
        assert not any(cell.get("outputs") for cell in cells)
        assert (project / "docs" / "conf.py").is_file()


def test_what_a_page_loads_is_followed_into_styles_and_told_by_host(tmp_path: Path) -> None:
    files = {
        "a/index.html": '<link rel="stylesheet" href="../one.css"><script src="/two.js"></script>'
        '<script>load("https://cdn.example/three.js")</script><img src="data:x"><a href="../four">',
        "one.css": '@import "five.css"; p { background: url(//fonts.example/six.woff2) }',
        "two.js": "",
        "four": "",
        "five.css": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    own, hosts = loads(tmp_path / "a" / "index.html", tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in own} == files.keys() - {"four"}
    assert hosts == {"cdn.example", "fonts.example"}
