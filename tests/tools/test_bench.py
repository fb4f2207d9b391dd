"""The floor of the benchmark runs the cells of all sections, each where it stands in its file."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.bench import RAW

SECTION = """# %% one
import inspect


def twice(x):
    return 2 * x


# %% two raises="ZeroDivisionError"
Path("two").write_text(inspect.getsource(twice))
1 / 0

# %% three needs="cuda:99"
Path("three").touch()
"""


def floor(folder: Path, section: str) -> subprocess.CompletedProcess[str]:
    sections = folder / "snippets"
    sections.mkdir()
    (sections / "part.py").write_text(section)
    command = [sys.executable, "-c", RAW, str(folder), str(sections)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("before", ["", "# A section\n\n"])
def test_the_floor_runs_each_cell_where_it_stands(tmp_path: Path, before: str) -> None:
    torch = pytest.importorskip("torch")
    done = floor(tmp_path, before + SECTION)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "two").read_text() == "def twice(x):\n    return 2 * x\n"
    assert (tmp_path / "three").exists() == torch.cuda.is_available()


def test_an_error_that_no_cell_declares_ends_it(tmp_path: Path) -> None:
    done = floor(tmp_path, SECTION.replace(' raises="ZeroDivisionError"', ""))
    assert "ZeroDivisionError" in done.stderr
    assert done.returncode == 1
