"""Lists and runs snippets in a terminal, as a page would show them, and does what maintainers need."""

import argparse
import io
import json
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proven.build import begin_site, run_sections
from proven.chapter import begin_chapter
from proven.check import check
from proven.config import read_configs
from proven.fork import silence
from proven.notebooks import notebooks
from proven.problems import Problem, ProjectError, did_you_mean, unforeseen
from proven.project import Project, commit, read_project
from proven.publish import place_of, publish, staging
from proven.reading import Measure, exercises_of, measure
from proven.records import folder_of, make_record, write_record
from proven.runner import run
from proven.scripts import Section, section_of
from proven.settings import Settings, find_project, read_settings
from proven.views import Site, View, today
from proven.words import Words

Command = Callable[[Settings, argparse.Namespace], None]


def main(arguments: list[str]) -> int:
    """Run the command line in the project of the working directory; 1 tells that something is not as it should be."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # on Windows, the encoding of a terminal may lack Chinese
            stream.reconfigure(encoding="utf-8")
    options = _parser().parse_args(arguments)
    try:
        options.does(read_settings(find_project()), options)
        sys.stdout.flush()
    except ProjectError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # what read it has ended, as `head` does
        silence(sys.stdout.fileno())
        return 1
    except Exception as error:
        print(unforeseen(error), file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m proven", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(name: str, does: Command, help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help)
        added.set_defaults(does=does)
        return added

    command("list", _list, "list all snippets by section")
    show = command("run", _run, "run a section, or one snippet of it")
    show.add_argument("name", help="a section such as blocks, or a snippet such as blocks.mlp")
    hold = command("check", _check, "check all files, run sections, prove their claims")
    hold.add_argument("names", nargs="*", help="sections such as blocks; all, if none is named")
    keep = command("record", _record, "record what a section does on this machine's devices")
    keep.add_argument("name", help="a section with cells that need a device, such as gpu")
    new = command("chapter", _chapter, "begin a chapter: its script, tests and pages")
    new.add_argument("name", help="lower-case words joined by hyphens, such as attention-basics")
    command("stats", _stats, "count what the sources and the last build hold")
    export = command("notebooks", _notebooks, "write every page as a notebook")
    export.add_argument("name", help="the folder that they go to, such as build/notebooks")
    return parser


def _read(settings: Settings) -> Project:
    project = read_project(settings)
    if project.problems:
        raise ProjectError(*project.problems)
    return project


def _section(project: Project, name: str) -> Section:
    if name not in project.sections:
        advice = f"name one of {', '.join(project.sections)}"
        advice = did_you_mean(name, project.sections, advice)
        raise ProjectError(Problem(f"there is no section {name!r}", advice))
    return project.sections[name]


def _list(settings: Settings, options: argparse.Namespace) -> None:
    for snippet in _read(settings).snippets.values():
        notes = [f"raises {error}" for error in snippet.raises]
        notes += [f"needs {snippet.kind}:{snippet.devices}"] if snippet.devices else []
        print(f"{snippet.name:<48}{', '.join(notes)}".rstrip())


def _run(settings: Settings, options: argparse.Namespace) -> None:
    project, name = _read(settings), options.name
    section = project.sections.get(section_of(name))
    chosen = [s for s in section.snippets if name in (section.name, s.name)] if section else []
    if not section or not chosen:
        known = [*project.sections, *project.snippets]
        advice = did_you_mean(name, known, "python -m proven list")
        raise ProjectError(Problem(f"there is no snippet and no section {name!r}", advice))
    results = run(settings, [section], last=chosen[-1].name)
    site, language = Site(project, results, (), {}), settings.written[0]
    for snippet in chosen:
        _show(site.view(snippet.name, language), site.words(language))


def _show(view: View, words: Words) -> None:
    print(f"── {view.name} " + "─" * max(0, 76 - len(view.name)))
    print(textwrap.indent(view.source, "│ ", lambda line: True))
    if view.skipped:
        print(words.joined(f"{words('skipped')}.", view.skipped))
    for one in view.runs:
        if one.label:
            print(f"({one.label})")
        for number in range(1, len(one.figures) + 1):
            print(f"(figure {number} of {len(one.figures)}: shown on the page)")
        for piece in one.pieces:
            print(f"{piece.label}: {piece.text}" if piece.error else piece.text.rstrip("\n"))


def _check(settings: Settings, options: argparse.Namespace) -> None:
    project = _read(settings)
    for name in options.names:
        _section(project, name)
    check(project)
    for name, result in run_sections(project, names=options.names).items():
        told = f"{len(result.outcomes)} snippets, {len(result.answers)} questions"
        print(f"{name}: {told} and {len(result.proofs)} claims hold, {result.seconds:.1f} s")


def _record(settings: Settings, options: argparse.Namespace) -> None:
    project, name = _read(settings), options.name
    results = run(settings, [_section(project, name)], project.claims.values())
    made = make_record(results[name], time.strftime("%Y-%m-%d", today()), commit(settings.project))
    path = write_record(folder_of(settings), made).relative_to(settings.project)
    print(f"{path}: {len(made.outcomes)} snippets and {len(made.claims)} claims recorded")


def _chapter(settings: Settings, options: argparse.Namespace) -> None:
    new, changed = begin_chapter(settings, options.name)
    for path in new:
        print(f"new      {path}")
    for path in changed:
        print(f"changed  {path}")


def _notebooks(settings: Settings, options: argparse.Namespace) -> None:
    folder = Path(options.name)
    target = place_of(settings, folder)
    with staging(target, f"notebooks of {settings.name}") as new:  # never in the place of a site
        site = begin_site(settings, read_configs(settings))
        for language in settings.languages:
            for name, content in notebooks(site, language).items():
                (new / name).write_bytes(content)
                print(folder / name)
        publish(new, target)


def _stats(settings: Settings, options: argparse.Namespace) -> None:
    project, report = _read(settings), settings.project / "site" / "build.json"
    if not report.is_file():
        raise ProjectError(Problem("there is no site/build.json", "make build, then try again"))
    try:
        table = _counted(project, json.loads(report.read_bytes()))
    except (LookupError, TypeError, ValueError):
        what = "site/build.json is of another engine, or no report of a build"
        raise ProjectError(Problem(what, "make build, then try again")) from None
    print(" " * 16 + " ".join(f"{name[:20]:>20}" for name in table))
    columns = ["snippets", "ran", "raised", "skipped", "pictures", "to predict", "exercises"]
    columns += ["claims", "claims proven", "claims recorded", "claims skipped"]
    columns += ["tried on many", "cases"]
    for column in columns:
        print(f"{column:<16}" + " ".join(f"{table[name][column]:>20}" for name in table))
    for language, pages in project.pages.items():
        for page in (page for page in pages.values() if page.is_section):
            core, whole = measure(page)
            print(f"{page.place:<36}{_told(core)}; all of it: {_told(whole)}")
        marks = sum(len(page.marks) for page in pages.values())
        print(f"marks in {language:<7}{marks:>{21 * len(table) - 1}}")


def _counted(project: Project, built: Any) -> dict[str, Counter[str]]:
    """What each section holds, and all together, as the report of a build and the pages say."""
    table: dict[str, Counter[str]] = {}
    for name, section in project.sections.items():
        count = table[name] = Counter()
        for row in (row for row in built["snippets"] if row["section"] == name):
            count.update(("snippets", row["state"]))
            count["pictures"] += row["figures"]
        for row in (row for row in built["claims"] if row["section"] == name):
            count.update(("claims", f"claims {row['state']}"))
            count["tried on many"] += bool(row["reach"])
            count["cases"] += sum(reach["cases"] for reach in row["reach"])
        count["to predict"] = sum(snippet.fold == "output" for snippet in section.snippets)
        for page in project.pages[project.settings.main].values():
            if any(section_of(fence.name) == name for fence in page.shown):
                count["exercises"] += len(exercises_of(page))
    table["all"] = sum(table.values(), Counter())
    return table


def _told(measured: Measure) -> str:
    text = f"{measured.words} words"
    if measured.characters:
        text = f"{measured.characters} characters and {text}"
    return f"{measured.minutes} min, {text}, {measured.snippets} snippets, {measured.questions} questions"
