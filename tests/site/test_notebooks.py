"""The notebooks of the real site: what they hold, against the pages that they come from."""

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import mistune
import nbformat
import pytest
from bs4 import BeautifulSoup, Tag
from nbformat import NotebookNode

from snippets.engine.notebooks import ARCHIVE, CHAPTER
from tests.conftest import PROJECT
from tests.site.test_html import LANGUAGES, SHOWING, every_language, parsed, report, shown

NAMES = [*SHOWING, CHAPTER]
OURS = re.compile(r"install|.*_reset")  # the ids of code cells that no page shows

every_notebook = pytest.mark.parametrize("name", NAMES)


def path_of(site: Path, language: str, name: str) -> Path:
    return site / LANGUAGES[language] / "notebooks" / f"{name}.{language}.ipynb"


def read(site: Path, language: str, name: str) -> Any:
    return nbformat.read(path_of(site, language, name), as_version=nbformat.NO_CONVERT)


def snippet_cells(notebook: Any) -> list[Any]:
    return [c for c in notebook.cells if c.cell_type == "code" and not OURS.fullmatch(c.id)]


def on_pages(site: Path, language: str, name: str) -> list[Tag]:
    """The snippets of a page, or of all of them."""
    pages = SHOWING if name == CHAPTER else [name]
    return [tag for page in pages for tag in shown(parsed(site, language, f"{page}/"))]


def prose(notebook: Any) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


@every_language
@every_notebook
def test_a_notebook_is_valid_and_says_what_it_is(site: Path, language: str, name: str) -> None:
    notebook = read(site, language, name)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.metadata.lang) == (4, language)
    assert notebook.metadata.kernelspec.name == "python3"
    torch = json.loads((site / "build.json").read_text(encoding="utf-8"))["torch"]
    first, install = notebook.cells[:2]
    assert first.source.startswith(f"# {notebook.metadata.title}\n")
    assert torch in first.source
    assert f"\n# %pip install torch=={torch.split('+')[0]}\n" in install.source
    if name != CHAPTER:
        heading = parsed(site, language, f"{name}/").select_one("h1")
        assert heading
        assert heading.find(string=True) == notebook.metadata.title


@every_language
@every_notebook
def test_a_notebook_has_the_code_and_the_outputs_of_its_page(
    site: Path, language: str, name: str
) -> None:
    states = report(site)
    cells, tags = snippet_cells(read(site, language, name)), on_pages(site, language, name)
    assert [c.id for c in cells] == [str(t["data-snippet"]).replace(".", "-") for t in tags]
    for cell, tag in zip(cells, tags, strict=True):
        code = tag.select_one(".highlight code")
        assert code
        state = states[str(tag["data-snippet"])]
        source = ast.parse(cell.source)
        if cell.source.startswith("if torch.cuda.device_count()"):
            assert isinstance(source.body[0], ast.If)
            source.body = source.body[0].orelse
        else:
            assert cell.source.removesuffix(";") == code.get_text().rstrip("\n")
        assert ast.dump(source) == ast.dump(ast.parse(code.get_text()))
        texts = [output.text.rstrip() for output in cell.outputs if output.output_type == "stream"]
        texts += [output.traceback[-1] for output in cell.outputs if output.output_type == "error"]
        if state["state"] == "skipped":
            skip = tag.select_one(".snippet-skip strong")
            assert skip
            assert texts.pop(0).startswith(skip.get_text())
        assert texts == [samp.get_text() for samp in tag.select("samp")]
        figures = [
            o.data["image/svg+xml"] for o in cell.outputs if "image/svg+xml" in o.get("data", {})
        ]
        assert len(figures) == len(tag.select("svg"))
        assert ("raises-exception" in cell.metadata.get("tags", [])) == any(
            output.output_type == "error" for output in cell.outputs
        ) or state["state"] == "skipped"


@every_language
@every_notebook
def test_prose_is_what_jupyter_understands(site: Path, language: str, name: str) -> None:
    text = prose(read(site, language, name))
    without_code = re.sub(r"`[^`\n]+`", "", text)
    for ours in ("#!", "!!! ", "??? ", "```", "{#", "{:", ".md", "**Solution**\n\n    "):
        assert ours not in without_code, ours
    page = "" if name == CHAPTER else f"{name}/"
    seen = BeautifulSoup(str(mistune.html(text)), "html.parser")
    for code in seen.select("code"):
        code.decompose()
    assert "**" not in seen.get_text()
    if page:
        headings = [
            "".join(s for s in tag.find_all(string=True) if not s.find_parent(class_="headerlink"))
            for tag in parsed(site, language, page).select("article :is(h1, h2, h3)")
        ]
        found = [m[1].replace("`", "") for m in re.finditer(r"^#+ (.*)$", text, re.MULTILINE)]
        assert found == headings


@every_notebook
def test_both_languages_have_the_same_cells(site: Path, name: str) -> None:
    def outline(language: str) -> list[tuple[str, str]]:
        return [(cell.cell_type, cell.id) for cell in read(site, language, name).cells]

    assert outline("zh") == outline("en")


@every_language
def test_boxes_hide_what_they_hide_on_the_page(site: Path, language: str) -> None:
    """A solution is closed in the notebook, too, and so is an output to be predicted."""
    for page in SHOWING:
        for tag, cell in zip(
            on_pages(site, language, page), snippet_cells(read(site, language, page)), strict=True
        ):
            hidden = cell.metadata.get("jupyter", {})
            solution = tag.find_parent("details") is not None
            assert bool(hidden.get("source_hidden")) == (
                solution or bool(tag.select(".snippet-fold .highlight"))
            )
            assert bool(hidden.get("outputs_hidden")) == (
                solution or bool(tag.select(".snippet-fold .snippet-result"))
            )


def test_one_zip_holds_all_of_both_languages(site: Path) -> None:
    with zipfile.ZipFile(site / "notebooks" / ARCHIVE) as archive:
        held = {Path(entry.filename).name: archive.read(entry) for entry in archive.infolist()}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    paths = [path_of(site, language, name) for language in LANGUAGES for name in NAMES]
    assert held == {path.name: path.read_bytes() for path in paths}
    assert {
        path for folder in ("notebooks", "en/notebooks") for path in (site / folder).glob("*.ipynb")
    } == set(paths)


def test_the_command_line_writes_the_same_bytes(site: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "snippets", "notebooks", str(tmp_path)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        check=True,
        timeout=300,
    )
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    paths = [path_of(site, language, name) for language in LANGUAGES for name in NAMES]
    assert written == {path.name: path.read_bytes() for path in paths}


@every_language
@every_notebook
def test_each_page_links_to_its_notebook(site: Path, language: str, name: str) -> None:
    page = site / LANGUAGES[language] / name
    links = parsed(site, language, f"{name}/").select(".page-code a[href*='notebooks/']")
    targets = [(page / str(link["href"])).resolve() for link in links]
    wanted = [path_of(site, language, name).resolve()]
    if name == CHAPTER:
        wanted.append((site / "notebooks" / ARCHIVE).resolve())
    assert targets == wanted
    assert all(target.is_file() for target in targets)


@every_language
def test_pages_without_snippets_offer_no_notebook(site: Path, language: str) -> None:
    assert not parsed(site, language, "").select(".page-code")
    assert not parsed(site, language, "glossary/").select(".page-code")


def text_of(output: NotebookNode) -> str | None:
    if output.output_type == "stream":
        return str(output.text).strip()
    if output.output_type == "error":
        return "\n".join(output.traceback)
    if "image/svg+xml" in output.data:
        return None
    return str(output.data["text/plain"])  # says where a recorded output comes from


@every_language
def test_the_page_of_the_chapter_is_made_of_the_cells_and_brings_nothing_along(
    site: Path, language: str
) -> None:
    soup = parsed(site, language, f"{CHAPTER}/")
    article = soup.select_one("article")
    assert article
    assert not article.select("script, style:not(svg *), link, clipboard-copy")
    cells = [c for c in read(site, language, CHAPTER).cells if c.cell_type == "code"]
    assert [code.get_text().strip() for code in article.select(".highlight code")] == [
        cell.source.strip() for cell in cells
    ]
    texts = [pre.get_text().strip() for pre in article.select(".jp-OutputArea pre")]
    assert texts == [
        text for cell in cells for output in cell.outputs if (text := text_of(output)) is not None
    ]
    assert len(article.select("figure svg[aria-label]")) == sum(
        "image/svg+xml" in output.get("data", {}) for cell in cells for output in cell.outputs
    )
    assert article.select("math")
    assert "$" not in "".join(
        tag.get_text() for tag in article.select(":is(p, li):not(:has(code))")
    )
    contents = [str(tag["href"]) for tag in soup.select(".md-nav--secondary a[href^='#']")]
    assert "#blocks-custom-block" in contents
    assert "#together-a-run" in contents


@every_language
def test_the_page_of_the_chapter_is_not_in_the_search(site: Path, language: str) -> None:
    path = site / LANGUAGES[language] / "search" / "search_index.json"
    places = [entry["location"] for entry in json.loads(path.read_text(encoding="utf-8"))["docs"]]
    assert not [place for place in places if place.startswith(CHAPTER)]
