"""Finds marked sentences that say more than their proof shows: `make reach`.

A sentence with a word such as `every` or 总是, whose claim was tried on one example only, says more
than its proof, unless it speaks of the example itself: then `tools/reach.toml` says so, in a line.
A test tries a family if it calls `over`; on how many members, a build tells.
"""

import re
import sys
import tomllib
from pathlib import Path

from proven.pages import Mark
from proven.problems import Problem, ProjectError, decode
from proven.project import Project, read_project
from proven.settings import read_settings

PROJECT = Path(__file__).parents[1]
REASONS = "tools/reach.toml"
UNIVERSAL = {
    "en": re.compile(
        r"\b(every|each|any|anything|anywhere|always|never|only|all|whatever|whenever|wherever|"
        r"no|none|nothing|nobody|must|cannot|both|neither)\b",
        re.IGNORECASE,
    ),
    "zh": re.compile(
        r"每|所有|任何|任意|总是|总会|一律|一概|都|从不|永远|只|必须|必定|无论|不管|凡|全部|绝不"
    ),
}


def too_far(project: Project, reach: dict[str, bool]) -> list[tuple[str, list[Mark]]]:
    """The claims that were not tried on a family, with those of their marks whose sentences have a universal word."""
    found = []
    pages = {page.place: page.language for page in project.all_pages}
    for name, marks in project.marks.items():
        wide = [
            mark
            for mark in marks
            if UNIVERSAL[pages[mark.place.rpartition(":")[0]]].search(mark.sentence)
        ]
        if wide and not reach.get(name):
            found.append((name, wide))
    return found


def reasons(project: Path) -> dict[str, str]:
    """Why a claim needs no family, by its name."""
    path = project / REASONS
    table = tomllib.loads(decode(path.read_bytes(), REASONS)) if path.is_file() else {}
    for name, reason in table.items():
        if not isinstance(reason, str) or not reason.strip():
            what = f"{name} has no reason"
            raise ProjectError(Problem(what, "say why it needs no family", (f"{REASONS}:1",)))
    return table


def main() -> int:
    """Print what says too much; the exit status is 1 if there is any."""
    project = read_project(read_settings(PROJECT))
    reach = {name: "over(" in claim.source for name, claim in project.claims.items()}
    excused = reasons(PROJECT)
    found = [(name, marks) for name, marks in too_far(project, reach) if name not in excused]
    for name, marks in found:
        claim = project.claims.get(name)
        print(f"{name}  {claim.place if claim else 'no test is called so'}")
        for mark in marks:
            print(f"  {mark.place}  {mark.sentence}")
    for name in sorted(excused.keys() - project.claims.keys()):
        print(f"{REASONS}: there is no claim {name}")
    print(
        f"{sum(reach.values())} of {len(reach)} claims are tried on a family; "
        f"{len(found)} with a universal word are not, {len(excused)} have a reason"
    )
    return 1 if found or excused.keys() - project.claims.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
