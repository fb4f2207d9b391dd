"""Writes every page as plain Markdown, and `llms.txt`, the list of them: https://llmstxt.org.

For readers that want text and not HTML. Code and outputs stand in the text as they do on the page.
"""

import posixpath
import re
from collections.abc import Iterator

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.utils.meta import get_data

from snippets.engine.build import Build
from snippets.engine.notebooks import Jupyter, Shown, pieces
from snippets.engine.pages import LANGUAGES
from snippets.engine.scripts import localise
from snippets.engine.words import needs, ran_on, recorded, word

CLAIMS = re.compile(r"^```claims\n(\w+)\n```$", re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)


class Plain(Jupyter):
    """How plain Markdown writes what it has no common form for.

    Args:
        build: The build whose outputs are shown.
        language: `zh` or `en`.
        here: The file that is written, from the root of the site.
    """

    def __init__(self, build: Build, language: str, here: str) -> None:
        super().__init__(build, language)
        self.here = here

    def link(self, page: str, anchor: str) -> str:
        """The address of the Markdown of a page; it has no anchors.

        Args:
            page: The path of the page that is linked to.
            anchor: The id of the place on it.

        Returns:
            The address, relative to the file that is written.
        """
        return posixpath.relpath(_file(self.language, page), posixpath.dirname(self.here) or ".")


def texts(build: Build, paths: list[str], configs: list[MkDocsConfig]) -> dict[str, str]:
    """The Markdown of all pages, of each language's chapter, and `llms.txt`.

    Args:
        build: The build whose outputs are shown.
        paths: The paths of the pages inside the folder of their language, in order.
        configs: The configuration of each language; the first one's address is that of the site.

    Returns:
        The text of each file, by its path inside of the site.

    Raises:
        SnippetError: A snippet failed.
    """
    root = configs[0].site_url or ""
    names = " · ".join(config.site_name for config in configs)
    about = "\n".join(f"> {config.site_description or ''}".strip() for config in configs)
    parts = [f"# {names}", about]
    texts = {}
    for language, config in zip(LANGUAGES, configs, strict=True):
        rows = []
        chapter = []
        full = posixpath.join(posixpath.dirname(_file(language, "index.md")), "llms-full.txt")
        for path in paths:
            file = _file(language, path)
            texts[file], title, description = _page(build, language, path, file)
            rows.append(f"- [{title}]({root}{file}){description and f': {description}'}")
            if build.pages[language][path].fences:
                chapter.append(_page(build, language, path, full)[0])
        texts[full] = "\n".join(chapter)
        rows.append(f"- [{word(language, 'full')}]({root}{full})")
        parts += [f"## {config.site_name}", "\n".join(rows)]
    return texts | {"llms.txt": "\n\n".join(parts) + "\n"}


def _file(language: str, page: str) -> str:
    """Where the Markdown of a page is: the address of the page, and index.html.md."""
    folder = "" if page == "index.md" else page.removesuffix(".md")
    return posixpath.join("" if language == LANGUAGES[0] else language, folder, "index.html.md")


def _page(build: Build, language: str, path: str, here: str) -> tuple[str, str, str]:
    """A page as Markdown for the file `here`, its title and its description."""
    text = (build.project / "docs" / language / path).read_text(encoding="utf-8")
    body, meta = get_data(text)
    body = COMMENT.sub("", body)
    dialect = Plain(build, language, here)
    parts = [
        "\n\n".join(_snippet(build, language, part)) if isinstance(part, Shown) else part
        for part in pieces(body.split("\n"), path, dialect)
    ]
    text = "\n\n".join(filter(None, parts))
    text = CLAIMS.sub(lambda fence: _claims(build, language, fence[1]), text)
    title = text.partition("\n")[0].lstrip("# ")
    return f"{text}\n\n{ran_on(language, build.machine)}\n", title, meta.get("description", "")


def _snippet(build: Build, language: str, shown: Shown) -> Iterator[str]:
    """The code of a snippet and what it did."""
    snippet, outcome = build.snippets[shown.snippet], build.outcome(shown.snippet)
    yield _fence("python", localise(snippet.source, language))
    if outcome.state == "skipped":
        yield needs(language, snippet.devices, outcome.had)
        if not (record := build.record(snippet.name)):
            return
        yield recorded(language, record)
        outcome = record.outcomes[snippet.name]
    if outcome.figures:
        yield f"[{shown.alt}]"
    if outcome.output:
        yield f"**{word(language, 'output')}**"
        yield _fence("text", outcome.output)
    if outcome.error:
        where = word(language, "error-line", line=outcome.error_line)
        yield f"**{word(language, 'error')} · {where}**"
        yield _fence("text", outcome.error)


def _fence(language: str, text: str) -> str:
    marks = max(re.findall("`{3,}", text), default="``") + "`"
    return f"{marks}{language}\n{text.rstrip()}\n{marks}"


def _claims(build: Build, language: str, section: str) -> str:
    """The list of the claims of a section."""
    rows = []
    for claim in build.claims.values():
        if claim.section == section:
            state = build.proof(claim.name)[0]
            title = word(language, "unproven" if state == "skipped" else state)
            rows.append(f"- **{title}** {claim.words[language]} `test_{claim.name}`")
    return "\n".join(rows)
