"""Every exported notebook runs from top to bottom, without the engine, and gives what was built.

All kernels run in this one file, as many at a time as there are processors.
"""

import copy
import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient

from snippets.engine.cells import ESCAPES
from tests.site.test_html import LANGUAGES, every_language, report
from tests.site.test_notebooks import NAMES, every_notebook, read, snippet_cells

# A kernel that cannot import this project, which is installed where the tests run.
KERNEL = """
import importlib.util, os, sys
sys.path = [path for path in sys.path if not os.path.isdir(os.path.join(path, "snippets", "engine"))]
assert importlib.util.find_spec("snippets") is None
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""


def run(notebook: Any, folder: Path) -> Any:
    folder.mkdir()
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
    manager = client.create_kernel_manager()
    assert manager.kernel_spec
    manager.kernel_spec.argv = [sys.executable, "-c", KERNEL, "-f", "{connection_file}"]
    ours = {"PYTHONPATH", "MPLBACKEND"}  # the engine, where a test has imported it, sets the second
    environment = {key: value for key, value in os.environ.items() if key not in ours}
    client.execute(env={**environment, "OMP_NUM_THREADS": "1"})  # one thread, as in a build
    assert not list(folder.iterdir()), "it left files beside itself"
    return notebook


@pytest.fixture(scope="module")
def ran(
    site: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], "Future[Any]"]]:
    """What became of each notebook, by language and name."""
    folder = tmp_path_factory.mktemp("notebooks")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {
            (language, name): pool.submit(
                run, read(site, language, name), folder / f"{name}-{language}"
            )
            for name in reversed(NAMES)  # the longest, the chapter, first
            for language in LANGUAGES
        }


def told(outputs: list[Any]) -> tuple[str, list[str], int]:
    """What a cell printed, which errors it showed, and how many figures."""
    text = "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")
    text = ESCAPES.sub("", text)  # the engine takes them out
    errors = [o.ename for o in outputs if o.output_type == "error"]
    images = [o for o in outputs if {"image/png", "image/svg+xml"} & set(o.get("data", {}))]
    return text, errors, len(images)


@every_language
@every_notebook
def test_it_runs_and_gives_what_was_built(
    site: Path, ran: dict[tuple[str, str], "Future[Any]"], language: str, name: str
) -> None:
    states = {row["name"].replace(".", "-"): row["state"] for row in report(site).values()}
    built = snippet_cells(read(site, language, name))
    for cell, again in zip(built, snippet_cells(ran[language, name].result()), strict=True):
        assert not [o for o in again.outputs if o.get("name") == "stderr"], cell.id
        assert not [o for o in again.outputs if o.output_type == "execute_result"], cell.id
        outputs = cell.outputs[:1] if states[cell.id] == "skipped" else cell.outputs
        assert told(again.outputs) == told(outputs), cell.id
