"""The four stages for one site: read, check, run, and what the writers need."""

import logging
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from proven.check import check, check_results
from proven.claims import Claim
from proven.config import halves_of
from proven.files import Files, card_of
from proven.finish import write_files
from proven.html import highlight
from proven.offline import write_offline_copy
from proven.problems import Problem, ProjectError
from proven.project import Project, read_project
from proven.publish import publish, replace_files
from proven.runner import Result, run
from proven.scripts import Section, localise
from proven.search import whole_words
from proven.settings import Settings
from proven.styles import cut_styles
from proven.views import Half, Site, today

Results = dict[str, Result]
log = logging.getLogger("mkdocs.plugins.proven")


def begin_site(
    settings: Settings,
    configs: Mapping[str, Mapping[str, Any]],
    *,
    known: Results | None = None,
    preview: bool = False,
) -> Site:
    """Read, check and run a project, so that writers can write its site; a preview has no downloads.

    The configurations of all languages tell how it looks, that of the main one where it is, and its order.
    """
    main = configs[settings.main]
    halves = halves_of(settings, configs, main.get("site_url"))
    today()  # before anything runs, so that a wrong date is told at once
    project = read_and_check(settings, preview=preview)
    results = run_sections(
        project, known, meanwhile=lambda: _warm_caches(project, halves), preview=preview
    )
    pages = project.pages[settings.main]
    listed = dict.fromkeys(_flat(main.get("nav") or sorted(pages)))  # a page may stand there twice
    order = tuple(path for path in listed if path in pages)
    return Site(project, results, order, halves, not preview)


def complete(site: Site, files: Files, folder: Path, target: Path) -> None:
    """Write what is no page beside the finished pages, and put all in the place of the last site."""
    write_files(folder, files)
    # MkDocs packs it with the date, and hosts do so themselves; of a site without an address it is empty
    (folder / "sitemap.xml.gz").unlink(missing_ok=True)
    for path in folder.rglob("sitemap.xml"):
        if not path.read_bytes().strip():
            path.unlink()
    if not site.downloads:  # a preview
        return replace_files(folder, target)
    cut_styles(folder)
    write_offline_copy(folder, site.project.settings.name)
    return publish(folder, target)


def _flat(nav: Iterable[Any]) -> Iterator[str]:
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            yield from _flat(entry.values() if isinstance(entry, dict) else entry)


def _warm_caches(project: Project, halves: dict[str, Half]) -> None:
    """Fill the caches that need no results: the other core imports torch meanwhile, and forks inherit them."""
    import jieba
    import mkdocs_jupyter.convert  # noqa: F401

    # its cache in the folder for temporary files would outlive the build, whoever wrote it: here it finds none
    jieba.dt.tmp_dir = os.devnull
    jieba.setLogLevel(logging.CRITICAL)  # that it cannot keep one is no error
    logging.getLogger("mkdocs.mkdocs-jupyter").setLevel(logging.WARNING)
    jieba.initialize()
    for word in whole_words(project):
        jieba.add_word(word)

    settings = project.settings
    for language, pages in project.pages.items():
        for snippet in project.snippets.values():
            highlight(localise(snippet.source, language, settings.written))
        for page in pages.values():
            card_of(page, halves[language])


def read_and_check(settings: Settings, *, preview: bool = False) -> Project:
    """Read a project, and check its files against each other; a preview tells what is unfinished."""
    project = read_project(settings)
    _tell(check(project, preview=preview))
    return project


def _tell(unfinished: Iterable[Problem]) -> None:
    for problem in unfinished:
        log.info("%s\nThe page is shown; mkdocs build would refuse it.", problem)


def run_sections(
    project: Project,
    known: Results | None = None,
    *,
    names: Collection[str] = (),
    prove: bool = True,
    meanwhile: Callable[[], object] = lambda: None,
    cancelled: threading.Event | None = None,
    preview: bool = False,
) -> Results:
    """Run the sections that an earlier run does not know as they are now, and return all in their order.

    Only those with these names, or all. `meanwhile` is called once while they run, `cancelled` ends the run
    once it is set. Where `prove` is false, claims are put off; a result without proofs is not taken over by
    a run that proves. A preview is told what is unfinished; all else that goes wrong is raised, together.
    """
    wanted = [s for s in project.sections.values() if s.name in (names or project.sections)]
    keys = {question.snippet: question.key for question in project.questions.values()}
    recorded = {name: record.outcomes[name] for name in keys if (record := project.record_of(name))}
    results, claims, new = Results(), dict[str, tuple[Claim, ...]](), list[Section]()
    for section in wanted:
        its_claims = tuple(c for c in project.claims.values() if c.section == section.name)
        its_keys = {s.name: keys[s.name] for s in section.snippets if s.name in keys}
        claims[section.name], last = its_claims, (known or {}).get(section.name)
        proven = last and (not prove or len(last.proofs) == len(its_claims))
        if last and proven and last.is_current(section, its_claims, its_keys):
            results[section.name] = last
        else:
            new.append(section)
    try:
        ran = run(
            project.settings,
            new,
            project.claims.values() if prove else (),
            keys=keys,
            recorded=recorded,
            meanwhile=meanwhile,
            cancelled=cancelled,
        )
    except ProjectError as error:
        raise ProjectError(*map(project.with_pages, error.problems)) from None
    # `is_current` compares the claims too: an edit of a claim alone is noticed, also where they are put off
    results |= {name: replace(result, claims=claims[name]) for name, result in ran.items()}
    results = {section.name: results[section.name] for section in wanted}
    _tell(check_results(project, results, preview=preview))
    return results
