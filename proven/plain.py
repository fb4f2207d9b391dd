"""Writes every page as plain Markdown, and `llms.txt`, the list of them: https://llmstxt.org.

For readers that want text and not HTML. Code and outputs stand in the text as they do on the page.
"""

from collections.abc import Iterator

from proven.pages import Fence, Page, error_of
from proven.prose import Dialect, Shown, fenced, pieces, relative
from proven.views import Site, View
from proven.words import Words


def texts(site: Site) -> dict[str, str]:
    """The Markdown of all pages, of each language's chapter, and `llms.txt`, by their paths in the site."""
    about = "\n".join(f"> {half.description}".strip() for half in site.halves.values())
    parts = [f"# {' · '.join(half.name for half in site.halves.values())}", about]
    made: dict[str, str] = {}
    root = next(iter(site.halves.values())).address
    for language, half in site.halves.items():
        rows, chapter = [], []
        full = f"{site.project.settings.root(language)}llms-full.txt"
        for page in site.pages(language):
            file, description = _file(site, page), page.meta.get("description")
            made[file] = _page(site, page, file)
            about_it = f": {description}" if description else ""
            rows.append(f"- [{page.title}]({root}{file}){about_it}")
            if page.shown:
                chapter.append(_page(site, page, full))
        made[full] = "\n".join(chapter)
        rows.append(f"- [{site.words(language)('full')}]({root}{full})")
        parts += [f"## {half.name}", "\n".join(rows)]
    return made | {"llms.txt": "\n\n".join(parts) + "\n"}


def _file(site: Site, page: Page) -> str:
    """Where the Markdown of a page is."""
    return f"{site.address(page)}index.html.md"


def _page(site: Site, page: Page, here: str) -> str:
    """A page as Markdown for the file `here`."""
    words = site.words(page.language)

    def link(path: str, anchor: str) -> str:  # plain Markdown has no anchors
        return relative(_file(site, site.page(page.language, path)), here)

    def other(page: Page, link: str) -> str:
        name = site.file(page, link)
        return relative(name, here) if name else link

    def fence(other: Fence) -> str:
        if other.kind == "claims":
            return _claims(site, page.language, other.name)
        if other.kind == "error":
            entry = site.error(*error_of(other.body), page.language)
            return fenced("text", entry.piece.text if entry.piece else entry.type)
        return fenced(other.kind, other.body)

    parts = list[str]()
    for part in pieces(page, Dialect(link, fence=fence, other=other)):
        if isinstance(part, Shown):
            parts += _snippet(site.view(part.snippet, page.language), part.alt, words)
            part = site.fitting(part.snippet, page.language)
        parts.append(part)
    foot = words.joined(words.ran_on(site.machine), *site.recorded([page]))
    return "\n\n".join(filter(None, parts)) + f"\n\n{foot}\n"


def _snippet(view: View, alt: str, words: Words) -> Iterator[str]:
    """The code of a snippet and what it did."""
    yield fenced("python", view.source)
    if view.skipped and not view.runs:
        yield view.skipped
    for run in view.runs:
        if run.label and not run.pieces:
            yield f"**{run.label}**"
        if run.figures:
            yield f"[{alt}]"
        for piece in run.pieces:
            yield f"**{' · '.join(filter(None, (piece.label, run.label)))}**"
            yield fenced("text", piece.text)


def _claims(site: Site, language: str, section: str) -> str:
    """The list of the claims of a section."""
    views, joined = site.claims_of(section, language), site.words(language).joined
    return "\n".join(
        f"- **{v.title}** {joined(v.words, v.reach)} `test_{v.claim.name}`" for v in views
    )
