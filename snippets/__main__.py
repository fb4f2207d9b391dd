"""Lists and runs snippets in a terminal, as a page would show them.

python -m snippets list
python -m snippets run blocks            # a section
python -m snippets run blocks.mlp        # one snippet, with what it builds on
python -m snippets record gpu            # keep what a section does on the GPU of this machine
python -m snippets chapter lstm          # begin a chapter of this name
python -m snippets stats                 # count what the sources and the last build hold
python -m snippets notebooks build/notebooks  # every page as a notebook, in both languages
"""

import argparse
import io
import json
import sys
import textwrap
import tomllib
from collections import Counter
from pathlib import Path

from snippets.engine.build import begin, commit, end, today
from snippets.engine.cells import Outcome
from snippets.engine.chapter import begin_chapter
from snippets.engine.claims import Claim, read_claims
from snippets.engine.errors import Problem, SnippetError
from snippets.engine.pages import LANGUAGES, read_pages
from snippets.engine.records import record, write_record
from snippets.engine.runner import Result, Runner
from snippets.engine.scripts import Section, Snippet, read_sections
from snippets.engine.words import needs

SNIPPETS = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Run the command line.

    Args:
        arguments: What follows `python -m snippets`.

    Returns:
        The exit status: 0, or 1 where something is not as it should be.
    """
    parser = argparse.ArgumentParser(prog="python -m snippets", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list all snippets by section")
    run = commands.add_parser("run", help="run a section, or one snippet of it")
    run.add_argument("name", help="a section such as blocks, or a snippet such as blocks.mlp")
    keep = commands.add_parser("record", help="record what a section does on this machine's GPU")
    keep.add_argument("section", help="a section with cells that need a device, such as gpu")
    new = commands.add_parser("chapter", help="begin a chapter: its script, tests and pages")
    new.add_argument("name", help="lower-case words joined by hyphens, such as attention-basics")
    commands.add_parser("stats", help="count what the sources and the last build hold")
    export = commands.add_parser("notebooks", help="write every page as a notebook")
    export.add_argument("folder", type=Path, help="where they go, such as build/notebooks")
    options = parser.parse_args(arguments)
    try:
        if options.command == "chapter":
            _chapter(options.name)
            return 0
        if options.command == "notebooks":
            _notebooks(options.folder)
            return 0
        sections = read_sections(SNIPPETS)
        if options.command == "list":
            _list(sections)
        elif options.command == "run":
            _run(sections, options.name)
        elif options.command == "record":
            _record(sections, options.section)
        else:
            _stats(sections)
    except SnippetError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _list(sections: dict[str, Section]) -> None:
    for section in sections.values():
        for snippet in section.snippets:
            notes = [f"raises {snippet.raises}"] if snippet.raises else []
            notes += [f"needs cuda:{snippet.devices}"] if snippet.devices else []
            print(f"{snippet.name:<48}{', '.join(notes)}".rstrip())


def _run(sections: dict[str, Section], name: str) -> None:
    section = sections.get(name.split(".")[0])
    chosen = [s for s in section.snippets if name in (section.name, s.name)] if section else []
    if not section or not chosen:
        raise SnippetError(
            Problem(f"there is no snippet and no section {name!r}", "python -m snippets list")
        )
    outcomes = _result(section, chosen[-1].name).outcomes
    for snippet in chosen:
        _show(snippet, outcomes[snippet.name])


def _result(section: Section, last: str | None = None, claims: tuple[Claim, ...] = ()) -> Result:
    runner = Runner({section.name: section}, {section.name: claims}, last=last)
    try:
        return runner.result(section.name)
    finally:
        runner.close()


def _record(sections: dict[str, Section], name: str) -> None:
    if name not in sections:
        raise SnippetError(Problem(f"there is no section {name!r}", "python -m snippets list"))
    claims = read_claims(SNIPPETS.parent / "tests", sections)[name]
    made = record(_result(sections[name], claims=claims), today(), commit(SNIPPETS.parent))
    path = write_record(SNIPPETS / "records", made)
    print(
        f"{path.relative_to(SNIPPETS.parent)}: "
        f"{len(made.outcomes)} snippets and {len(made.claims)} claims recorded"
    )


def _chapter(name: str) -> None:
    new, changed = begin_chapter(SNIPPETS.parent, name)
    print("\n".join([*(f"new      {path}" for path in new), *(f"changed  {p}" for p in changed)]))


def _stats(sections: dict[str, Section]) -> None:
    report = SNIPPETS.parent / "site" / "build.json"
    if not report.is_file():
        raise SnippetError(Problem("there is no site/build.json", "make build, then try again"))
    built = json.loads(report.read_text(encoding="utf-8"))
    pages = read_pages(SNIPPETS.parent / "docs")
    table: dict[str, Counter[str]] = {}
    for name, section in sections.items():
        count = table[name] = Counter()
        for row in (row for row in built["snippets"] if row["section"] == name):
            count.update(("snippets", row["state"]))
            count["pictures"] += row["figures"]
        for row in (row for row in built["claims"] if row["section"] == name):
            count.update(("claims", f"claims {row['state']}"))
        count["to predict"] = sum(snippet.fold == "output" for snippet in section.snippets)
        shown = {snippet.name for snippet in section.snippets}
        for page in pages[LANGUAGES[0]].values():
            if shown & {fence.snippet for fence in page.fences}:
                count["exercises"] += sum(id.startswith("exercise-") for _, id, _ in page.headings)
    table["all"] = sum(table.values(), Counter())
    print(" " * 16 + " ".join(f"{name[:20]:>20}" for name in table))
    columns = ["snippets", "ran", "raised", "skipped", "pictures", "to predict", "exercises"]
    columns += ["claims", "claims proven", "claims recorded", "claims skipped"]
    for column in columns:
        print(f"{column:<16}" + " ".join(f"{table[name][column]:>20}" for name in table))
    for language in LANGUAGES:
        marks = sum(len(page.marks) for page in pages[language].values())
        print(f"marks in {language:<7}{marks:>{21 * len(table) - 1}}")
    tried = (SNIPPETS.parent / "tests" / "browser" / "queries.toml").read_text(encoding="utf-8")
    queries = sum(map(len, tomllib.loads(tried).values()))
    print(f"search queries  {queries:>{21 * len(table) - 1}}")


def _notebooks(folder: Path) -> None:
    from mkdocs.config import load_config  # a second, which the other commands do not need

    from snippets.engine.notebooks import section_pages, write_notebooks

    nav = load_config(str(SNIPPETS.parent / "mkdocs.yml")).nav
    build = begin(SNIPPETS.parent)
    try:
        build.wait()
        for language in LANGUAGES:
            for path in write_notebooks(build, language, section_pages(build, nav), folder):
                print(path)
    finally:
        end()


def _show(snippet: Snippet, outcome: Outcome) -> None:
    print(f"── {snippet.name} " + "─" * max(0, 76 - len(snippet.name)))
    print(textwrap.indent(snippet.source, "│ ", lambda line: True))
    if outcome.state == "skipped":
        print(f"Not run. {needs('en', snippet.devices, outcome.had)}")
    for number in range(1, len(outcome.figures) + 1):
        print(f"(figure {number} of {len(outcome.figures)}: shown on the page)")
    print(outcome.output, end="")
    if outcome.error:
        print(f"line {outcome.error_line}: {outcome.error}")


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # Windows would choose one without Chinese
    sys.exit(main(sys.argv[1:]))
