"""`mkdocs serve`: what changed is run, rendered and shown; its claims are proven after that.

A page is rendered again by itself, with all that MkDocs knew when it rendered it the last time.
"""

import logging
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html import escape
from itertools import chain
from pathlib import Path
from typing import Any

import mkdocs.commands.build as mkdocs_build
from jinja2 import Environment
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import MkDocsException
from mkdocs.livereload import LiveReloadServer
from mkdocs.structure.files import Files as MkDocsFiles
from mkdocs.structure.nav import Navigation

from proven.build import Results, read_and_check, run_sections
from proven.fences import Fences
from proven.files import page_files
from proven.finish import address_of, finish_page, write_files
from proven.pages import Page
from proven.problems import Problem, ProjectError, unforeseen
from proven.project import EDITORS, Project
from proven.publish import put_file
from proven.questions import questions_of
from proven.reading import exercises_of
from proven.settings import FILE
from proven.views import ClaimView, Site, View

OF_OTHERS = {"counts", "notebook"}  # fences that show what is on other pages
log = logging.getLogger("mkdocs.plugins.proven")
NOTE = (
    '<pre role="alert" style="position: fixed; inset: auto 0 0; z-index: 99; max-height: 50vh; margin: 0; '
    'padding: 1em; overflow: auto; white-space: pre-wrap; background: #8b1a1a; color: #fff">{}</pre>'
)


# what MkDocs knew of a language when it rendered it the last time
Rendered = tuple[MkDocsConfig, MkDocsFiles, Navigation, Environment]


class Preview:
    """The state of `mkdocs serve` between two edits."""

    def __init__(self, fences: dict[str, Fences]) -> None:
        self.fences = fences
        self.results: Results = {}
        self.rendered: dict[str, Rendered] = {}
        self.site: Site | None = None
        self.frame: Any = None  # of the whole site that was built last, unless it was refused
        self.shown: dict[str, tuple[str, list[View], list[ClaimView]]] = {}
        self.proving: threading.Thread | None = None
        self.cancelled = threading.Event()
        self.failure = ""  # why the last edit is not shown: readers of a page are told, too

    def begin(self, site: Site, folder: Path, target: Path) -> None:
        """Take note of a site that was built as a whole, and is served."""
        self.site, self.results, self.folder, self.target = site, site.results, folder, target
        self.frame = self._frame(site.project)
        self.shown = _shown(site)

    def stop(self) -> None:
        """End the proving of claims, if it goes on."""
        self.cancelled.set()
        if self.proving:
            self.proving.join()
        self.proving = None
        self.cancelled.clear()

    def _watch(self) -> None:
        """Let the server notice an edit of each file that a section read, such as a table."""
        for path in {path for result in self.results.values() for path, _ in result.modules}:
            if path not in self.watched:
                self.watched.add(path)
                self.server.watch(str(path))

    def serve(self, server: LiveReloadServer) -> None:
        """Put this in the place of MkDocs' own rebuild."""
        build_all = server.builder
        self.temporary = tempfile.TemporaryDirectory()  # removed with this process
        self.proven = Path(self.temporary.name) / "proven"
        self.proven.touch()
        server.watch(str(self.proven))  # touched when claims have been proven
        assert self.site
        settings = self.site.project.settings
        folder, docs = settings.project, settings.project / settings.docs
        read = [folder / settings.sections, folder / settings.tests, *docs.glob("*.toml")]
        read += [docs / language for language in settings.languages]
        read += [folder / FILE, *folder.glob("mkdocs*.yml")]
        if theme := self.rendered[settings.main][0].theme.custom_dir:
            read.append(Path(theme))
        for path in filter(Path.exists, read):
            server.watch(str(path), recursive=path != folder)
        self.server, self.watched = server, set[Path]()
        self._watch()

        inject: Any = server._inject_js_into_html

        def with_failure(content: bytes, epoch: int) -> bytes:
            note = NOTE.format(escape(self.failure)) if self.failure else ""
            content = content.replace(b"</body>", note.encode() + b"</body>")
            return bytes(inject(content, epoch))

        server._inject_js_into_html = with_failure  # type: ignore[method-assign]

        def rebuild() -> None:
            self.stop()
            self.failure = ""
            try:
                self._rebuild(build_all)
            except Exception as error:
                foreseen = isinstance(error, (ProjectError, MkDocsException))
                self.failure = str(error if foreseen else unforeseen(error))
                then = "Correct the error and save: it will be built again."
                log.error("%s\nThe last good site stays up. %s", self.failure, then)

        server.builder = rebuild

    def _rebuild(self, build_all: Callable[[], None]) -> None:
        assert self.site  # MkDocs asks for a server once the whole site has been built
        project = read_and_check(self.site.project.settings, preview=True)
        if self._frame(project) != self.frame:
            # a build that is refused leaves nothing that a page can be rendered with
            self.frame = None
            build_all()
            return
        self.results = run_sections(project, self.results, prove=False, preview=True)
        self.site = site = replace(self.site, project=project, results=self.results)
        self._watch()
        shown_now = _shown(site)
        for page in project.all_pages:
            shown = shown_now[page.place]
            text, views, claims = (
                new != old for new, old in zip(shown, self.shown[page.place], strict=True)
            )
            proven = all(claim.state != "pending" for claim in shown[2])
            if text or views or (claims and proven):
                self._render_again(site, page)
                self.shown[page.place] = shown
        self.proving = threading.Thread(target=self._prove, args=(project, self.results))
        self.proving.start()

    def _frame(self, project: Project) -> Any:
        """All that more than one page shows, and files that are no pages: when it changes, all is built again."""
        settings, config = project.settings, self.rendered[project.settings.main][0]
        folder, docs = settings.project, settings.project / settings.docs
        found = {*folder.glob("mkdocs*.yml"), folder / FILE}
        for name in filter(None, (docs, config.theme.custom_dir, *config.watch)):
            root = Path(str(name)).resolve()  # as the project's own folder is
            found |= {path for path in (root, *root.rglob("*")) if not EDITORS.fullmatch(path.name)}
        # what a page or a section is read from is compared by itself
        apart = [folder / settings.sections, folder / settings.tests]
        others = [
            (str(path), path.stat().st_mtime_ns)
            for path in sorted(found)
            if path.is_file()
            and not (path.suffix == ".md" and path.is_relative_to(docs))
            and not any(path.is_relative_to(one) for one in apart)
        ]
        told = [
            (
                page.place,
                page.title,
                repr(page.meta),
                len(questions_of(page)),
                len(exercises_of(page)),
            )
            for page in project.all_pages
        ]
        return told, others

    def _render_again(self, site: Site, page: Page) -> None:
        config, known, nav, env = self.rendered[page.language]
        fences, files = self.fences[page.language], page_files(site, page)
        fences.site = site
        fences.files.update(files)  # what the page has to know of them
        file = known.get_file_from_path(page.path)
        assert file
        assert file.page
        mkdocs_build._populate_page(file.page, config, known)
        mkdocs_build._build_page(file.page, config, known.documentation_pages(), nav, env)
        address = address_of(site, page)
        finish_page(site, page, self.folder / address, policy=False)
        write_files(self.folder, files)
        for name in (*files, address):  # a page never asks for what is not there yet
            put_file((self.folder / name).read_bytes(), self.target / name)
        log.info("Rendered %s", page.place)

    def _prove(self, project: Project, results: Results) -> None:
        """Prove what is not proven yet; the pages are shown anew when that is done."""
        try:
            proven = run_sections(project, results, cancelled=self.cancelled, preview=True)
        except ProjectError as error:
            if not self.cancelled.is_set():
                log.error("%s\nThe page is shown; mkdocs build would refuse it.", error)
            return
        if proven != results:
            self.results = proven
            self._watch()
            self.proven.touch()


def check_address(host: str, port: int) -> None:
    """Find out, before anything runs, whether a site can be served there."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, port), family=family).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        what = f"nothing can be served at {host}:{port}: {why}"
        advice = "end what is served there, or take another port: make serve port=8001"
        raise ProjectError(Problem(what, f"{advice}, or mkdocs serve -a {host}:8001")) from None


def _shown(site: Site) -> dict[str, tuple[str, list[View], list[ClaimView]]]:
    """All that each page shows: its text, its snippets, and the claims that it marks or lists."""
    view, claim = cache(site.view), cache(site.claim)  # the page of claims lists all of them
    found = {}
    for page in site.project.all_pages:
        names = {mark.claim for mark in page.marks}
        names |= {listed.name for listed in site.project.listed(page)}
        shown = [*(fence.name for fence in page.shown), *(name for name, _ in page.errors)]
        views = [view(name, page.language) for name in shown]
        found[page.place] = page.text, views, [claim(n, page.language) for n in sorted(names)]
    for page in site.project.all_pages:
        if OF_OTHERS.intersection(fence.kind for fence in page.fences):
            all_of_it = [found[other.place] for other in site.pages(page.language)]
            texts, others, more = zip(*all_of_it, strict=True)
            found[page.place] = "".join(texts), [*chain(*others)], [*chain(*more)]
    return found
