"""Turns a page, or all of them, into a Jupyter notebook with the outputs of this build.

What the site's Markdown has and Jupyter's has not becomes what Jupyter shows: boxes become
quotations, marks of claims and ids of headings go. Cells run from top to bottom without the engine.
"""

import ast
import os
import re
import textwrap
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
from mkdocs.utils.meta import get_data
from nbformat import NotebookNode, from_dict
from nbformat.v4 import nbformat as major
from nbformat.v4 import nbformat_minor as minor

from snippets.engine.build import Build
from snippets.engine.cells import Outcome
from snippets.engine.fences import inline_svg, mathml
from snippets.engine.pages import FENCE, HEADING, LANGUAGES, MARK
from snippets.engine.scripts import Snippet, localise
from snippets.engine.words import ran_on, recorded, word

BOX = re.compile(r'^(?P<kind>!!!|\?\?\?\+?)\s+[\w-]+(?:\s+"(?P<title>.*)")?\s*$')
ALT = re.compile(r'\balt="(?P<alt>[^"]*)"')
INLINE = re.compile(
    rf"{MARK.pattern}|`#!math\s+(?P<math>[^`]+?)\s*`|(?P<code>(?P<ticks>`+).+?(?P=ticks))"
    r"|\[(?P<text>(?:`[^`]*`|[^\]`])*)\]\((?P<target>[^)\s]+)\)|(?P<dollar>\$)"
)
GITHUB = re.compile(r"https://github\.com/(?P<repository>[\w.-]+/[\w.-]+?)(?:\.git)?/?")
CHAPTER = "chapter"
ARCHIVE = "proven-notes-notebooks.zip"
BRANCH = "notebooks"  # where pages.yml puts them, since Colab opens notebooks from a branch

FOLDER = "import os, tempfile\nos.chdir(tempfile.mkdtemp())"


@dataclass(frozen=True)
class Shown:
    """A fence that shows a snippet.

    Attributes:
        snippet: The full name of the snippet.
        alt: What its figure shows.
        folded: Whether it stands in a box that is closed at first.
    """

    snippet: str
    alt: str
    folded: bool


class Jupyter:
    """How a notebook that is downloaded writes what Markdown has no common form for.

    Args:
        build: The build whose outputs are shown.
        language: `zh` or `en`.
    """

    def __init__(self, build: Build, language: str) -> None:
        self.build = build
        self.language = language

    def heading(self, page: str, level: int, text: str, anchor: str) -> str:
        """Write a heading.

        Args:
            page: The path of the page on which it stands.
            level: 1 for a title, to 6.
            text: The heading, as Markdown.
            anchor: Its id.

        Returns:
            The heading.
        """
        return f"{'#' * level} {text}"

    def math(self, latex: str, display: bool) -> str:
        """Write a formula.

        Args:
            latex: The LaTeX.
            display: Whether it stands on lines of its own.

        Returns:
            The formula.
        """
        return f"$$\n{latex}\n$$" if display else f"${latex}$"

    def link(self, page: str, anchor: str) -> str | None:
        """Find the address of a place on the site.

        Args:
            page: The path of the page that is linked to.
            anchor: The id of the place on it; may be empty.

        Returns:
            The address; nothing where the site's own is not known.
        """
        site = os.environ.get("SITE_URL", "").rstrip("/")
        folder = "" if self.language == LANGUAGES[0] else f"{self.language}/"
        path = "" if page == "index.md" else f"{page.removesuffix('.md')}/"
        return site and f"{site}/{folder}{path}{anchor and f'#{anchor}'}"

    def figure(self, svg: str, name: str, number: int, alt: str) -> NotebookNode:
        """Write a figure.

        Args:
            svg: The figure.
            name: The full name of a snippet.
            number: Which of the figures of the snippet, from 1.
            alt: What it shows, in words.

        Returns:
            The output of a cell.
        """
        # needs_background is JupyterLab's: black lines are not seen on its dark background
        return new_output(
            "display_data",
            {"image/svg+xml": svg, "text/plain": alt},
            metadata={"needs_background": "light"},
        )


class Web(Jupyter):
    """How the chapter's notebook writes it as a page of the site: without a script, in any theme.

    Args:
        build: The build whose outputs are shown.
        language: `zh` or `en`.
        elsewhere: Gives the address of a page that is no part of the notebook.
    """

    def __init__(self, build: Build, language: str, elsewhere: Callable[[str], str]) -> None:
        super().__init__(build, language)
        self.elsewhere = elsewhere

    def heading(self, page: str, level: int, text: str, anchor: str) -> str:
        """Write a heading with an id that no other section has.

        Args:
            page: The path of the page on which it stands.
            level: 1 for a title, to 6.
            text: The heading, as Markdown.
            anchor: Its id on its own page.

        Returns:
            The heading, as HTML.
        """
        text = re.sub(r"`([^`]+)`", lambda code: f"<code>{escape(code[1])}</code>", text)
        name = f"{file_stem(page)}-{anchor}" if anchor else CHAPTER
        return f'<h{level} id="{name}">{text}</h{level}>\n'

    def math(self, latex: str, display: bool) -> str:
        """Write a formula.

        Args:
            latex: The LaTeX.
            display: Whether it stands on lines of its own.

        Returns:
            The MathML.
        """
        return mathml(latex, "block" if display else "inline")

    def link(self, page: str, anchor: str) -> str | None:
        """Find the address of a place: inside this page, if the notebook has it.

        Args:
            page: The path of the page that is linked to.
            anchor: The id of the place on it; may be empty.

        Returns:
            The address.
        """
        known = self.build.pages[self.language].get(page)
        if known and known.fences:
            return f"#{file_stem(page)}-{anchor or known.headings[0][1]}"
        return self.elsewhere(page) + (anchor and f"#{anchor}")

    def figure(self, svg: str, name: str, number: int, alt: str) -> NotebookNode:
        """Write a figure that takes the colours of the page.

        Args:
            svg: The figure.
            name: The full name of a snippet.
            number: Which of the figures of the snippet, from 1.
            alt: What it shows, in words.

        Returns:
            The output of a cell.
        """
        html = f'<figure class="snippet-figure">{inline_svg(svg, name, number, alt)}</figure>'
        return new_output("display_data", {"text/html": html, "text/plain": alt})


# nbformat's own functions check each cell and each output by itself: most of the time that notebooks
# take. The whole is checked once.


def new_markdown_cell(source: str, id: str) -> NotebookNode:
    """Make a cell of prose.

    Args:
        source: The Markdown.
        id: The id of the cell.

    Returns:
        The cell.
    """
    return NotebookNode(cell_type="markdown", id=id, metadata=NotebookNode(), source=source)


def new_code_cell(
    source: str,
    id: str,
    metadata: dict[str, Any] | None = None,
    outputs: list[NotebookNode] | None = None,
) -> NotebookNode:
    """Make a cell of code.

    Args:
        source: The code.
        id: The id of the cell.
        metadata: Its metadata.
        outputs: Its outputs.

    Returns:
        The cell.
    """
    return NotebookNode(
        cell_type="code",
        execution_count=None,
        id=id,
        metadata=from_dict(metadata or {}),
        outputs=outputs or [],
        source=source,
    )


def new_output(kind: str, data: dict[str, str] | None = None, **fields: Any) -> NotebookNode:
    """Make an output of a cell.

    Args:
        kind: Its `output_type`.
        data: Of `display_data`: the content by MIME type.
        fields: What else the kind has.

    Returns:
        The output.
    """
    if kind == "display_data":
        fields = {"data": data, "metadata": {}, **fields}
    return from_dict({"output_type": kind, **fields})


def notebook(build: Build, language: str, paths: list[str], dialect: Jupyter) -> NotebookNode:
    """Make the notebook of one page, or of several under a common title.

    Args:
        build: The build whose outputs it shows.
        language: `zh` or `en`.
        paths: The paths of the pages inside the folder of their language.
        dialect: How it writes formulas, links, headings and figures.

    Returns:
        The notebook; the same build gives the same bytes.

    Raises:
        SnippetError: A snippet failed.
    """
    whole = len(paths) > 1
    title = word(language, "chapter")
    cells: list[NotebookNode] = []
    for path in paths:
        text = (build.project / "docs" / language / path).read_text(encoding="utf-8")
        lines = get_data(text)[0].split("\n")
        if cells:
            source = f"{word(language, 'fresh')}\n%reset -f\n{FOLDER}"
            cells.append(new_code_cell(source, id=f"{file_stem(path)}_reset"))
        else:
            if not whole:
                number, heading = next((n, h) for n, h in enumerate(map(HEADING.match, lines)) if h)
                title = heading["text"]
                del lines[number]
            cells = _beginning(build, language, dialect.heading(path, 1, title, ""))
        for number, part in enumerate(pieces(lines, path, dialect, int(whole))):
            if isinstance(part, Shown):
                cells.append(_code_cell(build, language, part, dialect))
            elif part:
                cells.append(new_markdown_cell(part, id=f"{file_stem(path)}_{number}"))
    for count, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), 1):
        cell.execution_count = count
    metadata = {
        "title": title,
        "lang": language,
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "file_extension": ".py"},
    }
    made = NotebookNode(cells=cells, metadata=metadata, nbformat=major, nbformat_minor=minor)
    nbformat.validate(made)
    return made


def notebook_text(made: NotebookNode) -> str:
    """Give the text of the file of a notebook.

    Args:
        made: The notebook.

    Returns:
        JSON, with a newline at its end.
    """
    return nbformat.writes(made) + "\n"


def write_notebooks(build: Build, language: str, sections: list[str], folder: Path) -> list[Path]:
    """Write a notebook for each section, and one of all of them.

    Args:
        build: The build whose outputs they show.
        language: `zh` or `en`.
        sections: The paths of the pages that show snippets, in the order of the site.
        folder: Where the notebooks go, such as `blocks.zh.ipynb`.

    Returns:
        Their paths, in order.

    Raises:
        SnippetError: A snippet failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, paths in [*((file_stem(path), [path]) for path in sections), (CHAPTER, sections)]:
        made = notebook(build, language, paths, Jupyter(build, language))
        written.append(folder / f"{name}.{language}.ipynb")
        written[-1].write_text(notebook_text(made), encoding="utf-8", newline="\n")
    return written


def nav_pages(build: Build, nav: list[Any] | None) -> list[str]:
    """Find the pages that were written.

    Args:
        build: The build that has read the pages.
        nav: The navigation as `mkdocs.yml` has it; without one, MkDocs sorts the pages.

    Returns:
        Their paths, in the order of the site; both languages have the same.
    """
    pages = build.pages[LANGUAGES[0]]
    return [path for path in _flat(nav or sorted(pages)) if path in pages]


def section_pages(build: Build, nav: list[Any] | None) -> list[str]:
    """Find those of the pages that show snippets.

    Args:
        build: The build that has read the pages.
        nav: The navigation as `mkdocs.yml` has it.

    Returns:
        Their paths, in the order of the site.
    """
    return [path for path in nav_pages(build, nav) if build.pages[LANGUAGES[0]][path].fences]


def _flat(nav: Iterable[Any]) -> Iterator[str]:
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            yield from _flat(entry.values() if isinstance(entry, dict) else entry)


def file_stem(path: str) -> str:
    """Name the notebook of a page.

    Args:
        path: The path of the page.

    Returns:
        The name, before its language.
    """
    return path.removesuffix(".md").replace("/", "-")


def write_archive(paths: Iterable[Path], archive: Path) -> None:
    """Put notebooks into one zip file, whose bytes depend on nothing but them.

    Args:
        paths: The notebooks.
        archive: The zip file.
    """
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(paths, key=lambda path: path.name):
            entry = zipfile.ZipInfo(f"proven-notes/{path.name}")  # its date is always 1980-01-01
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, also where the build runs on Windows
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, path.read_bytes())


def colab_link(name: str) -> str | None:
    """Find the address that opens a notebook in Colab.

    Args:
        name: The file of the notebook.

    Returns:
        The address; None where the repository is not on GitHub.
    """
    github = GITHUB.fullmatch(os.environ.get("REPO_URL", ""))
    if not github:
        return None
    place = f"{github['repository']}/blob/{BRANCH}/{name}"
    return f"https://colab.research.google.com/github/{place}"


def _beginning(build: Build, language: str, head: str) -> list[NotebookNode]:
    """The title, what the outputs were made with, and how to install it."""
    machine = build.machine
    torch = machine.torch.split("+")[0]
    told = ran_on(language, machine, "notebook")
    install = f"{word(language, 'install')}\n# %pip install torch=={torch}"
    folder = f"{word(language, 'folder')}\n{FOLDER}"
    return [
        new_markdown_cell(f"{head}\n\n> {told}", id="title"),
        new_code_cell(f"{install}\n\n{folder}", id="install"),
    ]


def pieces(lines: list[str], page: str, dialect: Jupyter, deeper: int = 0) -> Iterator[str | Shown]:
    """Read a page as pieces of Markdown, between them the snippets that it shows.

    Args:
        lines: The Markdown of the page.
        page: Its path inside the folder of its language.
        dialect: How formulas, links and headings are written.
        deeper: How many levels the headings go down.

    Returns:
        The pieces, in order.
    """
    return _join(_parts(lines, page, dialect, deeper, folded=False))


def _parts(
    lines: list[str], page: str, dialect: Jupyter, deeper: int, folded: bool
) -> Iterator[str | Shown]:
    """Read a page, or the inside of a box, as pieces of Markdown for Jupyter and as snippets."""
    text: list[str] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if fence := FENCE.match(line):
            end = next(
                n for n in range(number, len(lines)) if lines[n].strip().startswith(fence["marks"])
            )
            body, number = lines[number:end], end + 1
            if fence["language"] == "snippet":
                yield "\n".join(text)
                text = []
                alt = ALT.search(fence["rest"])
                yield Shown("".join(body).strip(), alt["alt"] if alt else "", folded)
            elif fence["language"] == "math":
                text.append(dialect.math("\n".join(body), display=True))
            else:
                text += [line, *body, lines[end]]
        elif box := BOX.match(line):
            end = number
            while end < len(lines) and (not lines[end].strip() or lines[end].startswith("    ")):
                end += 1
            inside = [line[4:] for line in lines[number:end]]
            number = end
            if box["title"]:
                inside = [f"**{box['title']}**", "", *inside]
            yield "\n".join(text)
            text = []
            for part in _parts(inside, page, dialect, deeper, box["kind"] == "???"):
                yield part if isinstance(part, Shown) else _quote(part)
        elif heading := HEADING.match(line):
            title = _inline(heading["text"], page, dialect)
            level = len(heading["level"]) + deeper
            text.append(dialect.heading(page, level, title, heading["id"] or ""))
        else:
            line = re.sub(r"^:(?=   )", "-", line)  # a definition becomes an item of a list
            text.append(_inline(line, page, dialect))
    yield "\n".join(text)


def _join(parts: Iterable[str | Shown]) -> Iterator[str | Shown]:
    """Put the pieces between two snippets into one."""
    text: list[str] = []
    for part in parts:
        if isinstance(part, Shown):
            yield "\n\n".join(text)
            text = []
            yield part
        elif part.strip():
            text.append(part.strip("\n"))
    yield "\n\n".join(text)


def _quote(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip("\n").split("\n")) if text else ""


def _inline(text: str, page: str, dialect: Jupyter) -> str:
    """Turn one line of a paragraph into what Jupyter understands."""

    def replaced(match: re.Match[str]) -> str:
        if match["claim"] is not None:
            return ""
        if match["math"]:
            return dialect.math(match["math"], display=False)
        if match["dollar"]:
            return r"\$"
        if match["target"] is None:
            return match[0]
        words, target = _inline(match["text"], page, dialect), match["target"]
        if "://" not in target:
            path, _, anchor = target.partition("#")
            path = str(PurePosixPath(page).parent / path) if path else page
            target = dialect.link(path, anchor) or ""
        return f"[{words}]({target})" if target else words

    return INLINE.sub(replaced, text)


def _code_cell(build: Build, language: str, shown: Shown, dialect: Jupyter) -> NotebookNode:
    snippet = build.snippets[shown.snippet]
    metadata: dict[str, Any] = {}
    if snippet.raises:
        metadata["tags"] = ["raises-exception"]
    hidden = {"source_hidden": snippet.fold == "code", "outputs_hidden": snippet.fold == "output"}
    if shown.folded:  # the solution of an exercise
        hidden = dict.fromkeys(hidden, True)
    if jupyter := {key: True for key, is_hidden in hidden.items() if is_hidden}:
        metadata["jupyter"] = jupyter
    source, skipped = _source(snippet, language)
    outcome, record = build.outcome(snippet.name), build.record(snippet.name)
    outputs = []
    if outcome.state == "skipped":
        outputs.append(new_output("stream", name="stdout", text=f"{skipped}\n"))
        if record:
            caption = recorded(language, record)
            outputs.append(new_output("display_data", {"text/plain": caption}))
            outcome = record.outcomes[snippet.name]
    if outcome.state != "skipped":
        outputs += _outputs(snippet, outcome, language, shown.alt, dialect)
    if outcome.figures and isinstance(ast.parse(source).body[-1], ast.Expr):
        source += ";"  # Jupyter would show the value of the last call, such as a legend
    return new_code_cell(
        source, id=snippet.name.replace(".", "-"), metadata=metadata, outputs=outputs
    )


def _source(snippet: Snippet, language: str) -> tuple[str, str]:
    """The code of a cell, which does nothing where it lacks a device but say these words."""
    source = localise(snippet.source, language)
    if not snippet.devices:
        return source, ""
    need = word(language, "gpu" if snippet.devices == 1 else "gpus", count=snippet.devices)
    told = word(language, "cell-skipped", need=need)
    check = f'if torch.cuda.device_count() < {snippet.devices}:\n    print("{told}")\nelse:\n'
    return check + textwrap.indent(source, "    "), told


def _outputs(
    snippet: Snippet, outcome: Outcome, language: str, alt: str, dialect: Jupyter
) -> list[NotebookNode]:
    outputs = [
        dialect.figure(figure, snippet.name, number, alt)
        for number, figure in enumerate(outcome.figures, 1)
    ]
    if outcome.output:
        outputs.append(new_output("stream", name="stdout", text=outcome.output))
    if outcome.error:
        where = word(language, "error-line", line=outcome.error_line)
        value = outcome.error.partition(": ")[2]
        traceback = [f"{word(language, 'error')} · {where}", outcome.error]
        outputs.append(new_output("error", ename=snippet.raises, evalue=value, traceback=traceback))
    return outputs
