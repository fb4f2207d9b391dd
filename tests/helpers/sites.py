"""Sites whose snippets did not run: what they did is made up, for tests of what is written of it."""

from collections.abc import Iterable
from typing import Any

from proven.cells import Outcome, Raised
from proven.check import check
from proven.project import read_project
from proven.runner import Result
from proven.views import Half, Site
from proven.worker import Machine
from tests.helpers.projects import Project

CPU = Machine({"numpy": "2.4.0"}, "3.13.0", "Linux x86_64", ())
GPU = Machine(
    {"numpy": "2.4.0", "CUDA": "13.0", "driver": "610"},
    "3.13.0",
    "Linux x86_64",
    ("Made-up GPU 80GB",),
)
GPUS = Machine(GPU.versions, GPU.python, GPU.platform, GPU.devices * 2)
FIGURE = (
    '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="5pt" '
    'viewBox="0 0 10 5"><g id="a"/></svg>\n'
)


def made_up(
    project: Project,
    outcomes: dict[str, dict[str, Any]] | None = None,
    machine: Machine = CPU,
    proofs: dict[str, str] | None = None,
    order: Iterable[str] = (),
    downloads: bool = True,
) -> Site:
    """Make a site of a project.

    Args:
        project: The project, which is written and has to be right.
        outcomes: What its snippets did, by name; the others ran and showed nothing, or were skipped
            where they need more devices than there are.
        machine: Where they ran.
        proofs: What became of its claims, where that does not follow from their devices.
        order: The order of the pages, where it is not that of their names.
        downloads: Whether downloads are offered.

    Returns:
        The site.
    """
    read = read_project(project.read_settings())
    check(read)
    there, results = len(machine.devices), {}
    for section in read.sections.values():
        done: dict[str, Outcome] = {}
        for snippet in section.snippets:
            fields: dict[str, Any] = {"state": "ran"}
            if snippet.devices > there:
                fields = {"state": "skipped", "had": there}
            elif snippet.raises:
                errors = tuple(Raised(f"{error}: wrong", 1, 0) for error in snippet.raises)
                fields = {"state": "raised", "errors": errors}
            done[snippet.name] = Outcome(
                snippet.name, **(fields | (outcomes or {}).get(snippet.name, {}))
            )
        claims = tuple(claim for claim in read.claims.values() if claim.section == section.name)
        states = {c.name: "proven" if c.devices <= there else "skipped" for c in claims}
        results[section.name] = Result(
            machine=machine,
            proofs=states if proofs is None else proofs,
            reach={},
            modules=(),
            answers={},
            section=section,
            claims=claims,
            keys={},
            outcomes=done,
            seconds=0.5,
            started=0.0,
        )
    halves = {
        language: Half(f"Notes {language}", f"About {language}", "", "Free")
        for language in read.settings.languages
    }
    pages = read.pages[read.settings.main]
    return Site(read, results, tuple(order or sorted(pages)), halves, downloads)
