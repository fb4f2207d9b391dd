"""Every notebook and every script that a page offers runs without the engine, and gives what was built."""

import ast
import json
import os
import re
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient

from proven.cells import ESCAPES
from proven.notebooks import CHAPTER
from tests.helpers.projects import PROJECT
from tests.helpers.site import (
    LANGUAGES,
    SHOWING,
    every_language,
    notebook_path,
    one,
    parsed,
    read_notebook,
    shown,
    snippet_cells,
    snippet_rows,
)

# The notebook of the chapter has the code of the others, as test_notebooks.py holds.
NOTEBOOKS = [*product(LANGUAGES, SHOWING), ("zh", CHAPTER)]
SKIPPED = re.compile(r"([\w.-]+: )?(not run, needs|Not run: |未运行).*")
RUN = PROJECT / "tests" / "helpers" / "run_downloads.py"
# A kernel that cannot import this project, which is installed where the tests run.
KERNEL = """
import importlib.util, os, sys
sys.path = [path for path in sys.path if not os.path.isdir(os.path.join(path, "proven"))]
assert not importlib.util.find_spec("proven")
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""
OURS = {"PYTHONPATH", "MPLBACKEND"}  # the engine, where a test has imported it, sets the second
STRANGER = {key: value for key, value in os.environ.items() if key not in OURS}
STRANGER |= {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}  # one thread, as in a build


def script_of(site: Path, language: str, part: str) -> Path:
    return site / LANGUAGES[language] / part / f"{part}.py"


@pytest.fixture(scope="module")
def ran(site: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each script and each notebook did, by its name; of the two languages, whose code is the same, one is run."""
    files = [script_of(site, "zh", part) for part in SHOWING]
    files += [notebook_path(site, "en", part) for part in SHOWING]
    files += [notebook_path(site, "zh", CHAPTER)]
    done = subprocess.run(
        [sys.executable, "-I", str(RUN), *map(str, files)],
        cwd=tmp_path_factory.mktemp("stranger"),
        env=STRANGER | {"MPLBACKEND": "Agg"},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout).items()
    return {f"{Path(path).name.split('.')[0]}{Path(path).suffix}": did for path, did in told}


def code(text: str) -> str:
    """Code without its comments, and without the language in which it says what it skips."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and SKIPPED.match(str(node.value)):
            node.value = ""
    return ast.dump(tree)


@pytest.mark.parametrize("part", SHOWING)
def test_the_code_of_both_languages_is_the_same(site: Path, part: str) -> None:
    ours, theirs = (script_of(site, language, part).read_text("utf-8") for language in LANGUAGES)
    assert ours != theirs
    assert code(ours) == code(theirs)
    ours_cells, theirs_cells = (
        [
            (cell.id, code(cell.source))
            for cell in read_notebook(site, language, part).cells
            if cell.cell_type == "code"
        ]
        for language in LANGUAGES
    )
    assert ours_cells == theirs_cells


def plain(text: str) -> str:
    """Text without colours for a terminal, which the engine takes out."""
    return ESCAPES.sub("", text)


@every_language
@pytest.mark.parametrize("part", SHOWING)
def test_a_script_prints_what_its_page_shows(
    site: Path, ran: dict[str, Any], language: str, part: str
) -> None:
    lines = [
        # a traceback names the module of an error, a script that catches it does not
        re.sub(r"^[\w.]+\.(\w+Error: )", r"\1", line.rstrip())
        for snippet in shown(parsed(site, language, f"{part}/"))
        if snippet.attributes["data-state"] in {"ran", "raised"}
        for samp in snippet.css("samp")
        for line in samp.text().splitlines()
    ]
    printed = [line.rstrip() for line in plain(ran[f"{part}.py"]).splitlines()]
    assert [line for line in printed if not SKIPPED.fullmatch(line)] == lines


@every_language
@pytest.mark.parametrize("part", SHOWING)
def test_a_page_offers_its_script(site: Path, language: str, part: str) -> None:
    tree = parsed(site, language, f"{part}/")
    assert one(tree, ".page-code button").attributes["data-script"] == f"{part}.py"
    assert one(tree, ".page-code a[download]").attributes["href"] == f"{part}.py"


def built(site: Path, language: str, name: str) -> list[tuple[str, str, list[str], int]]:
    """What the cells of a notebook did in this build, as it says itself."""
    states = {row["name"].replace(".", "-"): row["state"] for row in snippet_rows(site).values()}
    told = []
    for cell in snippet_cells(read_notebook(site, language, name)):
        outputs = (
            cell.outputs[:1] if states[cell.id.partition("--")[0]] == "skipped" else cell.outputs
        )
        told.append(did(cell.id, outputs))
    return told


def did(id: str, outputs: list[Any]) -> tuple[str, str, list[str], int]:
    text = "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")
    errors = [o.ename for o in outputs if o.output_type == "error"]
    images = [o for o in outputs if {"image/png", "image/svg+xml"} & set(o.get("data", {}))]
    return id, plain(text), errors, len(images)


@pytest.mark.parametrize(("language", "name"), NOTEBOOKS)
def test_a_notebook_gives_what_was_built(
    site: Path, ran: dict[str, Any], language: str, name: str
) -> None:
    cells = {cell["id"]: cell for cell in ran[f"{name}.ipynb"]}
    assert [cell for cell in cells.values() if cell["warned"]] == []
    for id, text, errors, images in built(site, language, name):
        again = cells[id]
        texts = [SKIPPED.sub("skipped", one) for one in (plain(again["text"]), text)]
        assert texts[0] == texts[1]
        assert (again["errors"], again["images"]) == (errors, images)


def test_a_kernel_gives_the_same(site: Path, tmp_path: Path) -> None:
    notebook = read_notebook(site, "en", "lazy-initialization")
    expected = built(site, "en", "lazy-initialization")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    manager = client.create_kernel_manager()
    assert manager.kernel_spec
    manager.kernel_spec.argv = [sys.executable, "-c", KERNEL, "-f", "{connection_file}"]
    client.execute(env=STRANGER)
    assert not list(tmp_path.iterdir()), "it left files beside itself"
    assert [did(cell.id, cell.outputs) for cell in snippet_cells(notebook)] == expected
    kinds = {output.output_type for cell in notebook.cells for output in cell.get("outputs", ())}
    assert "execute_result" not in kinds
