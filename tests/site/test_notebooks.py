"""The notebooks of the real site: what they hold, against the pages that they come from."""

import ast
import re
import zipfile
from pathlib import Path
from typing import Any

import mistune
import nbformat
import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from proven.cli import main
from proven.notebooks import CHAPTER
from tests.helpers.projects import Project, contents, mkdocs_here
from tests.helpers.site import (
    LANGUAGES,
    NAME,
    NOTEBOOKS,
    SHOWING,
    attribute,
    every_language,
    every_notebook,
    notebook_path,
    one,
    parsed,
    read_notebook,
    report,
    shown,
    snippet_cells,
    snippet_rows,
    title,
)

ARCHIVE = f"{NAME}-notebooks.zip"


def on_pages(site: Path, language: str, name: str) -> list[LexborNode]:
    """The snippets of a page, or of all of them."""
    pages = SHOWING if name == CHAPTER else [name]
    return [tag for page in pages for tag in shown(parsed(site, language, f"{page}/"))]


def prose(notebook: Any) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


@every_language
@every_notebook
def test_a_notebook_is_valid_and_says_what_it_is(site: Path, language: str, name: str) -> None:
    notebook = read_notebook(site, language, name)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.metadata.lang) == (4, language)
    assert notebook.metadata.kernelspec.name == "python3"
    torch = report(site)["torch"]
    first, install = notebook.cells[:2]
    assert first.source.startswith(f"# {notebook.metadata.title}\n")
    assert torch in first.source
    assert f"\n# %pip install torch=={torch.split('+')[0]}\n" in install.source
    if name != CHAPTER:
        assert title(one(parsed(site, language, f"{name}/"), "h1")) == notebook.metadata.title


@every_language
@every_notebook
def test_a_notebook_has_the_code_and_the_outputs_of_its_page(
    site: Path, language: str, name: str
) -> None:
    states = snippet_rows(site)
    groups: dict[str, list[Any]] = {}  # an error ends a cell: the next one goes on
    for cell in snippet_cells(read_notebook(site, language, name)):
        groups.setdefault(cell.id.partition("--")[0], []).append(cell)
    tags = on_pages(site, language, name)
    assert list(groups) == [attribute(t, "data-snippet").replace(".", "-") for t in tags]
    for cells, tag in zip(groups.values(), tags, strict=True):
        code = one(tag, ".highlight code").text()
        state = states[attribute(tag, "data-snippet")]
        statements = []
        for cell in cells:
            source = ast.parse(cell.source)
            if cell.source.startswith("if torch.cuda.device_count()"):
                assert isinstance(source.body[0], ast.If)
                source.body = source.body[0].orelse
            else:
                assert cell.source.removesuffix(";") in code
            statements += source.body
        assert ast.dump(ast.Module(statements, [])) == ast.dump(ast.parse(code))
        outputs = [output for cell in cells for output in cell.outputs]
        texts = [
            output.text.rstrip() if output.output_type == "stream" else output.traceback[-1]
            for output in outputs
            if output.output_type in ("stream", "error")
        ]
        if state["state"] == "skipped":
            assert texts.pop(0).startswith({"en": "Not run", "zh": "未运行"}[language])
        assert texts == [samp.text() for samp in tag.css("samp")]
        figures = [o.data["image/svg+xml"] for o in outputs if "image/svg+xml" in o.get("data", {})]
        assert len(figures) == len(tag.css("svg"))
        for cell in cells:
            assert ("raises-exception" in cell.metadata.get("tags", [])) == any(
                output.output_type == "error" for output in cell.outputs
            ) or state["state"] == "skipped"


@every_language
@every_notebook
def test_prose_is_what_jupyter_understands(site: Path, language: str, name: str) -> None:
    text = prose(read_notebook(site, language, name))
    without_code = re.sub(r"`[^`\n]+`", "", text)
    for ours in ("#!", "!!! ", "??? ", "```", "{#", "{:", ".md", "**Solution**\n\n    "):
        assert ours not in without_code, ours
    page = "" if name == CHAPTER else f"{name}/"
    seen = LexborHTMLParser(str(mistune.html(text)))
    for code in seen.css("code"):
        code.decompose()
    assert seen.body
    assert "**" not in seen.body.text()
    if page:
        tags = parsed(site, language, page).css("article :is(h1, h2, h3, h4)")
        headings = [title(tag) for tag in tags]
        found = [m[1].replace("`", "") for m in re.finditer(r"^#+ (.*)$", text, re.MULTILINE)]
        assert found == headings


@every_notebook
def test_both_languages_have_the_same_cells(site: Path, name: str) -> None:
    def outline(language: str) -> list[tuple[str, str]]:
        return [(cell.cell_type, cell.id) for cell in read_notebook(site, language, name).cells]

    assert outline("zh") == outline("en")


@every_language
def test_the_one_of_the_chapter_has_the_code_of_all_others(site: Path, language: str) -> None:
    def code(name: str) -> list[tuple[str, str]]:
        return [(c.id, c.source) for c in snippet_cells(read_notebook(site, language, name))]

    assert code(CHAPTER) == [cell for name in SHOWING for cell in code(name)]


def folded(tag: LexborNode) -> bool:
    above = tag.parent
    while above and (above.tag != "details" or above.attributes.get("class") == "depth"):
        above = above.parent
    return above is not None


@every_language
def test_boxes_hide_what_they_hide_on_the_page(site: Path, language: str) -> None:
    """A solution is closed in the notebook, too, and so is an output to be predicted."""
    for page in SHOWING:
        for tag, cell in zip(
            on_pages(site, language, page),
            # the first cell of each: an error ends one
            [c for c in snippet_cells(read_notebook(site, language, page)) if "--" not in c.id],
            strict=True,
        ):
            hidden = cell.metadata.get("jupyter", {})
            solution = folded(tag)
            assert bool(hidden.get("source_hidden")) == (
                solution or bool(tag.css(".snippet-fold .highlight"))
            )
            assert bool(hidden.get("outputs_hidden")) == (
                solution or bool(tag.css(".snippet-fold .snippet-result"))
            )


def test_one_zip_holds_all_of_both_languages(site: Path) -> None:
    with zipfile.ZipFile(site / "notebooks" / ARCHIVE) as archive:
        held = {Path(entry.filename).name: archive.read(entry) for entry in archive.infolist()}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    paths = [notebook_path(site, language, name) for language in LANGUAGES for name in NOTEBOOKS]
    assert held == {path.name: path.read_bytes() for path in paths}
    assert {
        path for folder in ("notebooks", "en/notebooks") for path in (site / folder).glob("*.ipynb")
    } == set(paths)


@every_language
@pytest.mark.parametrize("name", SHOWING)
def test_each_page_links_to_its_notebook(site: Path, language: str, name: str) -> None:
    page = site / LANGUAGES[language] / name
    links = parsed(site, language, f"{name}/").css(".page-code a[href*='notebooks/']")
    targets = [(page / attribute(link, "href")).resolve() for link in links]
    assert targets == [notebook_path(site, language, name).resolve()]
    assert targets[0].is_file()


@every_language
def test_pages_without_snippets_offer_no_notebook(site: Path, language: str) -> None:
    assert not parsed(site, language, "").css(".page-code")
    assert not parsed(site, language, "glossary/").css(".page-code")


SECTION = """# %% one raises="ValueError"
print("hello")
int("x")
"""


def test_the_command_line_writes_the_same_bytes(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.script = SECTION
    folder = project.write()
    done = mkdocs_here(folder, "build")
    assert done.returncode == 0, done.stdout
    monkeypatch.chdir(folder)
    assert main(["notebooks", str(tmp_path / "written")]) == 0
    site = [folder / "site" / root / "notebooks" for root in LANGUAGES.values()]
    built = {path.name: path.read_bytes() for place in site for path in place.glob("*.ipynb")}
    assert len(built) == 2
    assert contents(tmp_path / "written") == built
