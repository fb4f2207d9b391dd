"""Writes a page, or all of them, as a Jupyter notebook with the outputs of this build.

Cells run from top to bottom without the engine.
"""

import ast
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, from_dict
from nbformat.v4 import nbformat as major
from nbformat.v4 import nbformat_minor as minor
from nbformat.v4 import writes
from selectolax.lexbor import LexborHTMLParser

from proven.html import element, mathml
from proven.page_script import indented, raising
from proven.pages import Page
from proven.prose import Dialect, Shown, pieces
from proven.svg import size_of
from proven.views import Run, Site, View
from proven.words import Words

Node = dict[str, Any]  # a cell, or an output of one
GITHUB = re.compile(r"https://github\.com/(?P<repository>[\w.-]+/[\w.-]+?)(?:\.git)?/?")
CHAPTER = "chapter"
BRANCH = "notebooks"  # where pages.yml puts them, since Colab opens notebooks from a branch
FIGURE = "image/svg+xml"
COPYING = ".zeroclipboard-container, .clipboard-copy-txt"  # a second button to copy
FOLDER = "import os, tempfile\nos.chdir(tempfile.mkdtemp())"


def notebook(site: Site, pages: list[Page], dialect: Dialect) -> NotebookNode:
    """Make the notebook of one page, or of several of a language under a common title."""
    language, whole = pages[0].language, len(pages) > 1
    words = site.words(language)
    title = words("chapter") if whole else pages[0].title
    dialect = replace(dialect, below=int(whole))
    cells = _beginning(site, words, title, site.recorded(pages))
    for order, page in enumerate(pages):
        # an id has at most 64 characters
        name = page.stem if len(page.stem) <= 50 else f"{page.stem[:40]}_{order}"
        if order:
            source = f"{words('fresh')}\n%reset -f\n{FOLDER}"
            cells.append(_code_cell(source, f"{name}_reset"))
        for count, part in enumerate(pieces(page, dialect, title=whole)):
            if isinstance(part, Shown):
                cells += _snippet_cells(site.view(part.snippet, language), part, words)
                if fits := site.fitting(part.snippet, language):
                    cells.append(_markdown_cell(fits, f"{name}_{count}"))
            elif part:
                cells.append(_markdown_cell(part, f"{name}_{count}"))
    for count, cell in enumerate((cell for cell in cells if cell["cell_type"] == "code"), 1):
        cell["execution_count"] = count
    metadata = {
        "title": title,
        "lang": language,
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "file_extension": ".py"},
    }
    data = {"cells": cells, "metadata": metadata, "nbformat": major, "nbformat_minor": minor}
    made: NotebookNode = from_dict(data)
    nbformat.validate(made)
    return made


def notebooks(site: Site, language: str) -> dict[str, bytes]:
    """Make the notebook of each page that shows snippets, and one of all of them."""
    sections, address = site.sections(language), os.environ.get("SITE_URL", "").rstrip("/")
    pages = {page.stem: [page] for page in sections}
    if len(pages) > 1:
        pages[CHAPTER] = sections

    def link(path: str, anchor: str) -> str:
        place = f"{site.address(site.page(language, path))}{anchor and f'#{anchor}'}"
        return address and f"{address}/{place}"

    def other(page: Page, link: str) -> str:
        name = site.file(page, link)
        return (address and f"{address}/{name}") if name else link

    return {
        f"{stem}.{language}.ipynb": _bytes(notebook(site, of_them, Dialect(link, other=other)))
        for stem, of_them in pages.items()
    }


def _bytes(made: NotebookNode) -> bytes:
    text: str = writes(made)
    return f"{text}\n".encode()


def colab_link(name: str) -> str | None:
    """The address that opens a notebook in Colab; None where the repository is not on GitHub."""
    github = GITHUB.fullmatch(os.environ.get("REPO_URL", ""))
    if not github:
        return None
    place = f"{github['repository']}/blob/{BRANCH}/{name}"
    return f"https://colab.research.google.com/github/{place}"


def _beginning(site: Site, words: Words, title: str, recorded: list[str]) -> list[Node]:
    """The title, what the outputs were made with, and how to install it."""
    versions = site.machine.versions
    pins = " ".join(
        f"{package}=={versions[package].split('+')[0]}"
        for package in site.project.settings.packages
    )
    half = site.halves[words.language]
    ran_on = words.ran_on(site.machine, "notebook", site=half.name)
    told = words.joined(ran_on, *recorded, half.copyright)
    install = f"{words('install')}\n# %pip install {pins}\n\n" if pins else ""
    return [
        _markdown_cell(f"# {title}\n\n> {told}", "title"),
        _code_cell(f"{install}{words('folder')}\n{FOLDER}", "install"),
    ]


def _snippet_cells(view: View, shown: Shown, words: Words) -> Iterator[Node]:
    """The cells of a snippet: each error ends one, since Jupyter runs none further."""
    # of the solution of an exercise, which is folded, both
    hidden = {"code": "source_hidden", "output": "outputs_hidden"}
    jupyter = {key: True for part, key in hidden.items() if shown.folded or view.fold == part}
    parts = _parts(view)
    runs = [(run, _ended_by_errors(run)) for run in view.runs]
    for number, (source, raises) in enumerate(parts, 1):
        metadata: dict[str, Any] = {"tags": ["raises-exception"]} if raises else {}
        if jupyter:
            metadata["jupyter"] = jupyter
        outputs = []
        if view.devices:
            told = words("cell-skipped", need=words.devices(view.kind, view.devices))
            check = f'if {view.count} < {view.devices}:\n    print("{told}")\nelse:\n'
            source = check + indented(source)
            if view.skipped:
                outputs.append(_printed(f"{told}\n"))
        for run, groups in runs:
            made = next(groups, [])
            if number == len(parts):
                # JupyterLab knows needs_background: black lines would vanish on its dark background
                figures = ({FIGURE: figure, "text/plain": shown.alt} for figure in run.figures)
                made = [*(_shown(one, needs_background="light") for one in figures), *made]
            if run.label and (made or number == 1):
                outputs.append(_shown({"text/plain": run.label}))
            outputs += made
        if view.draws:
            source = _silent(source)
        id = view.name.replace(".", "-")
        yield _code_cell(source, id if number == 1 else f"{id}--{number}", outputs, **metadata)


def _silent(source: str) -> str:
    """Code whose last call shows no value, such as a legend, in Jupyter."""
    statements = ast.parse(source).body
    if not statements or not isinstance(last := statements[-1], ast.Expr):
        return source
    lines = source.split("\n")
    row = lines[(last.end_lineno or 0) - 1].encode()
    if row[last.end_col_offset :].lstrip().startswith(b";"):
        return source
    lines[(last.end_lineno or 0) - 1] = (
        f"{row[: last.end_col_offset].decode()};{row[last.end_col_offset :].decode()}"
    )
    return "\n".join(lines)


def _parts(view: View) -> list[tuple[str, bool]]:
    """The code of a snippet up to each error, and the rest; the flag tells which part raises one."""
    lines = view.source.split("\n")
    ends = [last for _, last in raising(view)] if view.raises else []
    parts = [(lines[start:end], True) for start, end in zip([0, *ends], ends, strict=False)]
    parts.append((lines[ends[-1] if ends else 0 :], False))
    return [("\n".join(part).strip("\n"), raises) for part, raises in parts if any(part)]


def _ended_by_errors(run: Run) -> Iterator[list[Node]]:
    """What a run printed up to each error, together with it, and the rest."""
    outputs = list[Node]()
    for piece in run.pieces:
        if not piece.error:
            outputs.append(_printed(piece.text))
            continue
        value, told = piece.text.partition(": ")[2], [piece.label, piece.text]
        error = {"ename": piece.error, "evalue": value, "traceback": told}
        outputs.append({"output_type": "error", **error})
        yield outputs
        outputs = []
    yield outputs


# nbformat's own functions validate each cell and each output, which takes most of the time that
# notebooks take. `notebook` validates the whole once instead.


def _shown(data: dict[str, str], **metadata: str) -> Node:
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def _printed(text: str) -> Node:
    return {"output_type": "stream", "name": "stdout", "text": text}


def _markdown_cell(source: str, id: str) -> Node:
    return {"cell_type": "markdown", "id": id, "metadata": {}, "source": source}


def _code_cell(source: str, id: str, outputs: Sequence[Node] = (), **metadata: Any) -> Node:
    whole = {"cell_type": "code", "id": id, "metadata": metadata, "source": source}
    return {**whole, "execution_count": None, "outputs": list(outputs)}


def as_page(site: Site, page: Page) -> str:
    """The notebook of a page as HTML that mkdocs-jupyter makes, fit to stand on a page of the site.

    Left out are 600 KB of style sheets for one theme, scripts from other hosts, and a second button
    to copy. The code is given the classes of all other code, and with them its colours.
    """
    from mkdocs_jupyter.convert import nb2html

    dialect = Dialect(
        link=lambda path, anchor: "",
        other=lambda page, link: "" if site.file(page, link) else link,
        math=lambda latex, display: mathml(latex, "block" if display else "inline"),
    )
    made = notebook(site, [page], dialect)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "notebook.ipynb"
        file.write_bytes(_bytes(made))
        tree = LexborHTMLParser(nb2html(str(file), execute=False, custom_mathjax_url=""))
    for dropped in tree.css(f"style, script, .anchor-link, {COPYING}"):
        dropped.decompose()
    for tag in tree.css("[tabindex]"):
        del tag.attrs["tabindex"]
    for tag in tree.css("h1, h2, h3, h4, h5, h6"):  # they are no headings of the page
        words, level = tag.inner_html, int(str(tag.tag)[1]) + 2
        tag.replace_with(element(tree, "p", words, {"role": "heading", "aria-level": str(level)}))
    for tag in tree.css(".highlight-ipynb"):
        tag.attrs["class"] = "highlight"
        for code in tag.css("pre"):
            code.inner_html = f"<code>{code.inner_html}</code>"
    outputs = (output for cell in made.cells for output in cell.get("outputs", ()))
    figures = (output.data for output in outputs if FIGURE in output.get("data", ()))
    for tag, data in zip(tree.css("img[src^='data:']"), figures, strict=True):
        tag.attrs["alt"] = data["text/plain"]
        for key, size in zip(("width", "height"), size_of(data[FIGURE]), strict=True):
            tag.attrs[key] = str(round(size))
    return tree.css(".jupyter-wrapper")[0].html or ""
