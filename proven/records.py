"""Recorded runs: what a section did on hardware that the machine of this build may not have.

A record is one JSON file for a section and a kind of hardware, with text as lists of lines, so that
a renewed record reads as a diff. It counts only while the hash of the whole script is the one that
was recorded.
"""

import json
import logging
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from proven.cells import Outcome, Raised
from proven.problems import Problem, ProjectError
from proven.runner import Result
from proven.scripts import Section
from proven.settings import Settings
from proven.worker import Machine

log = logging.getLogger("mkdocs.plugins.proven")


@dataclass(frozen=True)
class Record:
    """A recorded run of a section.

    Attributes:
        section: The name of the section.
        sha256: The hash of the script that ran, in hexadecimal.
        machine: Where it ran; there is at least one device.
        date: When, as `2026-11-23`.
        commit: At which commit, with `+` where files differed from it; None outside of git.
        outcomes: What the snippets that ran did, by full name.
        claims: The hashes of the tests that need devices and passed, by the name of the claim.
    """

    section: str
    sha256: str
    machine: Machine
    date: str
    commit: str | None
    outcomes: dict[str, Outcome]
    claims: dict[str, str]

    @property
    def filename(self) -> str:
        """The name of its file: the section, the first device, and how many there were."""
        device = re.sub(r"[^a-z0-9]+", "-", self.machine.devices[0].lower()).strip("-")
        return f"{self.section}.{device}-x{len(self.machine.devices)}.json"


def folder_of(settings: Settings) -> Path:
    """The folder of the records; there need not be one."""
    return settings.project / settings.sections / "records"


def make_record(result: Result, date: str, commit: str | None) -> Record:
    """Make a record of a run: of all snippets that ran, and of the claims that need devices and hold.

    What needs no device may still do something else where there is one.
    """
    section = result.section
    if not result.machine.devices:
        versions = " ".join(f"{name} {v}" for name, v in result.machine.versions.items())
        what = f"{versions} sees no device, so there is nothing to record"
        advice = "run this on a machine with a GPU and a CUDA build of torch"
        raise ProjectError(Problem(what, advice))
    outcomes = {
        snippet.name: result.outcomes[snippet.name]
        for snippet in section.snippets
        if result.outcomes[snippet.name].state != "skipped"
    }
    if not any(snippet.devices for snippet in section.snippets):
        what = f"no snippet of {section.name} needs a device, so every build runs them all"
        advice = "record a section that has cells with needs="
        raise ProjectError(Problem(what, advice, (section.place,)))
    claims = {
        claim.name: claim.sha256
        for claim in result.claims
        if claim.devices and result.proofs[claim.name] == "proven"
    }
    return Record(section.name, section.sha256, result.machine, date, commit, outcomes, claims)


def write_record(folder: Path, record: Record) -> Path:
    """Write a record to its file, in the place of an older one of the same hardware."""
    data = asdict(record)
    data["outcomes"] = []
    for outcome in record.outcomes.values():
        row = asdict(outcome)
        row["output"] = outcome.output.split("\n")
        for error in row["errors"]:
            error["text"] = error["text"].split("\n")
        row["figures"] = [figure.split("\n") for figure in outcome.figures]
        row["seconds"] = round(outcome.seconds, 3)
        data["outcomes"].append(row)
    folder.mkdir(exist_ok=True)
    path = folder / record.filename
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_records(
    settings: Settings, sections: dict[str, Section]
) -> tuple[tuple[Record, ...], list[Problem]]:
    """Read all records.

    Args:
        settings: Where they are.
        sections: The scripts as they are now.

    Returns:
        The records of these scripts, those with more devices first, then the later ones; and what
        is wrong with any file. Records of other scripts are named and left out.
    """
    records, problems = [], []
    for path in sorted(folder_of(settings).glob("*.json")):
        place = path.relative_to(settings.project).as_posix()
        try:
            text = path.read_text(encoding="utf-8")
            record = _parse(json.loads(text), path.name)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"the file is no record of a run: {type(error).__name__}: {error}"
            problems.append(Problem(what, _advice(path.name.split(".")[0]), (f"{place}:1",)))
            continue
        section = sections.get(record.section)
        if section and section.sha256 == record.sha256:
            records.append(record)
            problems += _check(record, section, place, text.split("\n"))
        else:
            log.info(
                "Record %s is stale and not shown: it is of another %s.py. "
                "Renew it on its hardware: python -m proven record %s",
                place,
                record.section,
                record.section,
            )
    records.sort(key=lambda record: (len(record.machine.devices), record.date), reverse=True)
    return tuple(records), problems


def _advice(section: str) -> str:
    return f"renew it on its hardware with python -m proven record {section}, or remove it"


def _check(record: Record, section: Section, place: str, lines: list[str]) -> list[Problem]:
    """Find what a run of this script cannot have done.

    Such are snippets that are not there, more devices than there were, and an error that is not
    declared.
    """
    snippets = {snippet.name: snippet for snippet in section.snippets}
    problems = []
    for name, outcome in record.outcomes.items():
        snippet = snippets.get(name)
        if not snippet:
            what = f"the record holds {name}, and the script has no such snippet"
        elif snippet.devices > len(record.machine.devices):
            what = f"the record holds {name}, which needs {snippet.devices} device(s), and is of {len(record.machine.devices)}"
        elif _types(outcome) != snippet.raises or (outcome.state == "raised") != bool(
            outcome.errors
        ):
            what = f"the record says that {name} {outcome.state}, and the script declares otherwise"
        else:
            continue
        line = next((n for n, text in enumerate(lines, 1) if f'"{name}"' in text), 1)
        places = [f"{place}:{line}"] + ([f"{section.place}:{snippet.line}"] if snippet else [])
        known = name if snippet else None
        problems.append(Problem(what, _advice(section.name), tuple(places), known))
    return problems


def _parse(data: dict[str, Any], filename: str) -> Record:
    machine = Machine(**{**data["machine"], "devices": tuple(data["machine"]["devices"])})
    if not machine.devices:
        raise ValueError("it names no device")
    outcomes = {}
    for row in data["outcomes"]:
        if row["state"] not in ("ran", "raised"):
            raise ValueError(f"{row['name']} did not run")
        row["output"] = "\n".join(row["output"])
        for error in row["errors"]:
            error["text"] = "\n".join(error["text"])
        row["errors"] = tuple(Raised(**error) for error in row["errors"])
        for error in row["errors"]:
            _check_types(error)
        row["figures"] = tuple("\n".join(lines) for lines in row["figures"])
        outcomes[row["name"]] = Outcome(**row)
        _check_types(outcomes[row["name"]])
    record = Record(**{**data, "machine": machine, "outcomes": outcomes})
    _check_types(machine)
    _check_types(record)
    if record.filename != filename:
        raise ValueError(f"by its content it is {record.filename}")
    return record


def _types(outcome: Outcome) -> tuple[str, ...]:
    """The types of its errors, as `raises=` names them."""
    texts = (error.text.partition(":")[0].strip() for error in outcome.errors)
    return tuple(text.rpartition(".")[2] for text in texts)


def _check_types(made: Machine | Outcome | Raised | Record) -> None:
    """Refuse a value of another type than the one that is declared: JSON can hold any."""
    for name, kind in get_type_hints(type(made)).items():
        value = getattr(made, name)
        inside = get_args(kind)
        match get_origin(kind):
            case origin if origin is tuple:
                fits = all(isinstance(one, inside[0]) for one in value)
            case origin if origin is dict:
                fits = all(isinstance(one, inside[1]) for one in value.values())
            case origin if origin is Literal:
                fits = value in inside
            case _:
                fits = isinstance(value, kind) and not isinstance(value, bool)
        if not fits:
            raise TypeError(f"{name} cannot be {value!r}")
