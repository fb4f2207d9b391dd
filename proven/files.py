"""Makes all files of the site that are no pages, and tells the theme's templates what they ask for."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from proven.cards import card
from proven.notebooks import CHAPTER, colab_link, notebooks
from proven.page_script import page_script
from proven.pages import Page
from proven.plain import texts
from proven.problems import decode
from proven.project import commit
from proven.prose import relative
from proven.reading import exercises_of, measure
from proven.svg import clean
from proven.views import Half, Site, today

Files = dict[str, bytes]  # by their paths inside of the site
MARKS = "marks.js"  # beside each page that marks claims
THEME_WORDS = (  # the phrases in docs/theme
    *("forget", "progress", "score", "show-answers", "hide-answers", "all-values"),
    *("hide-ticks", "show-ticks", "page-code", "copy-page", "open-all", "close-all"),
)


def make_files(site: Site) -> Files:
    """Make the files: those of each page, and pictures beside them; where downloads are offered all else."""
    settings, files = site.project.settings, Files()
    for page in site.project.all_pages:  # also those that the navigation leaves out
        files |= page_files(site, page)
    for language, beside in site.project.beside.items():
        for name, place in beside.items():
            if name.endswith(".svg"):  # written anew, so that nothing else is in it
                svg = decode((settings.project / place).read_bytes(), place)
                files[f"{settings.root(language)}{name}"] = clean(svg, drawn=False).encode()
    if site.downloads:
        archived = Files()
        for language in site.halves:
            made = notebooks(site, language)
            files |= {f"{settings.root(language)}notebooks/{n}": made[n] for n in made}
            archived |= {f"{settings.name}/{name}": content for name, content in made.items()}
        files[archive_path(site)] = zipped(sorted(archived.items()))
        files |= {path: text.encode() for path, text in texts(site).items()}
        text = json.dumps(report(site), indent=1, ensure_ascii=False)
        files["build.json"] = f"{text}\n".encode()
    return files


def page_files(site: Site, page: Page) -> Files:
    """The files that belong to one page: what its marks tell, the tests that it lists, its script, its card."""
    beside = Files()
    if page.marks:
        beside[MARKS] = _marks_script(site, page)
    for claim in site.project.listed(page):  # the whole file of its test, as it ran
        # some servers do not say in which encoding a text is
        beside[claim.listing] = f"\ufeff{claim.tests}".encode()
    if page.has_notebook:
        script = page_script(page.title, site.views(page), site.words(page.language))
        beside[script_name(page)] = script.encode()
    files = {f"{site.address(page)}{name}": content for name, content in beside.items()}
    if site.downloads:
        path = f"{site.project.settings.root(page.language)}{card_path(page)}"
        files[path] = card_of(page, site.halves[page.language])
    return files


def _marks_script(site: Site, page: Page) -> bytes:
    """What marks tell those who ask: of each claim its state, its sentence, how it was proven, its test.

    It is a script, since a page that is opened from disk may fetch nothing, and it holds text, no HTML.
    """
    words, told = site.words(page.language), {}
    for mark in page.marks:
        view = site.claim(mark.claim, page.language)
        how, test = words.joined(view.reach, view.told), f"{words('test')} test_{mark.claim}"
        told[mark.claim] = [view.title, view.words, how, test]
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return f"var provenMarks = {text}\n".encode()


def card_of(page: Page, half: Half) -> bytes:
    """The card of a page."""
    description = str(page.meta.get("description") or half.description)
    return card(str(page.meta.get("title") or page.title), description, half.name, page.at(1))


def script_name(page: Page) -> str:
    """The name of the file of all the code of a page, beside it."""
    return f"{page.path.rpartition('/')[2].removesuffix('.md')}.py"


def card_path(page: Page) -> str:
    """Where the card of a page is, from the home page of its language."""
    return f"assets/cards/{page.stem}.png"


def archive_path(site: Site) -> str:
    """Where the archive of all notebooks is."""
    return f"notebooks/{site.project.settings.name}-notebooks.zip"


def page_meta(site: Site, page: Page, files: Files) -> dict[str, Any]:
    """What the theme's templates have to know of a page and its files, as its front matter."""
    words, meta = site.words(page.language), dict[str, Any]()
    if page.is_section:
        core, whole = (measured.minutes for measured in measure(page))
        meta["is_section"] = True
        meta["has_depth"] = any(heading.kind == "depth" for heading in page.headings)
        meta["has_questions"] = any(fence.kind == "options" for fence in page.fences)
        meta["minutes"] = words("minutes", core=core, whole=whole)
    if page.marks:  # with a hash: a browser that keeps files does not show what an older build said
        digest = hashlib.sha256(files[f"{site.address(page)}{MARKS}"]).hexdigest()
        meta["marks"] = f"{MARKS}?{digest[:8]}"
    if any(fence.moves for fence in page.shown):
        meta["has_movable"] = True
    if {"exceptions", "counts", "entries"} & {fence.kind for fence in page.fences}:
        meta["has_filter"] = True
    if recorded := site.recorded([page]):
        meta["recorded"] = recorded
    if any(len(view.runs) > 1 for view in site.views(page)):
        meta["has_tabs"] = True
    if page.has_notebook:
        name = script_name(page)
        meta["script"] = [name, words("download-script", name=name)]
    if site.downloads:
        meta["card"] = card_path(page)
        if page.has_notebook:
            name = f"{page.stem}.{page.language}.ipynb"
            links = [("download", f"notebooks/{name}"), ("colab", colab_link(name))]
            meta["notebook_links"] = [[key, words(key), url] for key, url in links if url]
    return meta


def theme_extra(site: Site, language: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """What the theme's templates have to know on every page of a language, beside `extra` of its configuration.

    That are phrases, how many questions and exercises each section has, and the addresses of the languages.
    """
    words = site.words(language)
    sections = {
        page.stem: [measure(page)[0].questions, len(exercises_of(page))]
        for page in site.pages(language)
        if page.is_section
    }
    return {
        "ran_on": words.ran_on(site.machine),
        "sections": json.dumps(sections, sort_keys=True),
        "words": {key.replace("-", "_"): words(key) for key in THEME_WORDS},
        "languages": [
            {**other, "address": site.halves[other["lang"]].address}
            for other in extra.get("languages", [])
        ],
    }


def listed(site: Site, language: str, files: Files) -> list[tuple[str, str, int, str | None]]:
    """The downloads of a language: of each the title, the address for the page `notebooks.md`, the size in
    bytes, and the address in Colab.
    """
    words, rows = site.words(language), []
    root = f"{site.project.settings.root(language)}notebooks/"
    titles = {page.stem: page.title for page in site.sections(language)}
    for stem, title in {**titles, CHAPTER: words("chapter")}.items():
        name = f"{stem}.{language}.ipynb"
        if content := files.get(f"{root}{name}"):
            rows.append((title, name, len(content), colab_link(name)))
    archive = archive_path(site)
    address = relative(archive, f"{root}index.html")
    rows.append((words("download-all"), address, len(files[archive]), None))
    return rows


def zipped(contents: Iterable[tuple[str, bytes]]) -> bytes:
    """Pack files into a zip archive, in this order and without a date."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents:
            entry = zipfile.ZipInfo(name)  # its date is always 1980-01-01
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix: the bytes are the same where the build runs on Windows
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def report(site: Site) -> dict[str, Any]:
    """What this build was, for `build.json`.

    Only `date` differs from build to build; everything else follows from the commit and the machine.
    """
    machine = site.machine
    snippets = []
    for section, result in site.results.items():
        for outcome in result.outcomes.values():
            snippet = site.project.snippets[outcome.name]
            row: dict[str, Any] = {
                "section": section,
                "name": outcome.name,
                "state": outcome.state,
                "figures": len(outcome.figures),
                "sha256": snippet.sha256,
            }
            if outcome.state == "skipped":
                row["reason"] = site.words("en").needs(snippet.kind, snippet.devices, outcome.had)
                record, where = site.project.record_of(outcome.name), site.project.settings.sections
                row["record"] = record and f"{where}/records/{record.filename}"
            snippets.append(row)
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", today()),
        "commit": commit(site.project.settings.project),
        **{name.lower(): version for name, version in machine.versions.items()},
        "python": machine.python,
        "platform": machine.platform,
        "devices": list(machine.devices),
        "snippets": snippets,
        "claims": [
            {
                "section": claim.section,
                "name": claim.name,
                "state": site.proof(claim)[0],
                "sha256": claim.sha256,
                "reach": [
                    {"cases": count, "of": of}
                    for of, count in site.results[claim.section].reach.get(claim.name, ())
                ],
            }
            for claim in site.project.claims.values()
        ],
    }
