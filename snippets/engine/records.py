"""Recorded runs: what a section did on hardware that the machine of this build may not have.

A record is one JSON file for a section and a kind of hardware, with text as lists of lines, so that
a renewed record reads as a diff. It counts only while the hash of the whole script is the one that
was recorded.
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from snippets.engine.cells import Outcome
from snippets.engine.errors import Problem, SnippetError
from snippets.engine.runner import Result
from snippets.engine.scripts import Section
from snippets.engine.worker import Machine

TEXTS = ("output", "error")


@dataclass(frozen=True)
class Record:
    """A recorded run of a section.

    Attributes:
        section: The name of the section.
        sha256: The hash of the script that ran, in hexadecimal.
        machine: Where it ran; there is at least one CUDA device.
        date: When, as `2026-11-23`.
        commit: At which commit, with `+` where files differed from it; None outside of git.
        outcomes: What the snippets that need devices did, by full name.
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

    def is_current(self, section: Section | None) -> bool:
        """Tell whether the script is still the one that was recorded.

        Args:
            section: The section as it is now; None if there is none any more.

        Returns:
            Whether they are the same, byte for byte.
        """
        return section is not None and section.sha256 == self.sha256


def record(result: Result, date: str, commit: str | None) -> Record:
    """Make a record of a run.

    Args:
        result: What a section did.
        date: Today, as `2026-11-23`.
        commit: The commit that is checked out.

    Returns:
        The record, with the snippets and claims that need devices and ran.

    Raises:
        SnippetError: There was no CUDA device, or no snippet of the section needs one.
    """
    section = result.section
    if not result.machine.devices:
        what = f"torch {result.machine.torch} sees no CUDA device, so there is nothing to record"
        raise SnippetError(
            Problem(what, "run this on a machine with a GPU and a CUDA build of torch")
        )
    outcomes = {
        snippet.name: result.outcomes[snippet.name]
        for snippet in section.snippets
        if snippet.devices and result.outcomes[snippet.name].state != "skipped"
    }
    if not outcomes:
        what = f"no snippet of {section.name} needs a device, so every build runs them all"
        raise SnippetError(
            Problem(what, "record a section that has cells with needs=", (section.place,))
        )
    claims = {
        claim.name: claim.sha256
        for claim in result.claims
        if claim.devices and result.proofs[claim.name].state == "proven"
    }
    return Record(section.name, section.sha256, result.machine, date, commit, outcomes, claims)


def write_record(folder: Path, record: Record) -> Path:
    """Write a record to its file, in the place of an older one of the same hardware.

    Args:
        folder: The folder of the records; made if it is not there.
        record: The record.

    Returns:
        The path of the file.
    """
    data = asdict(record)
    data["outcomes"] = []
    for outcome in record.outcomes.values():
        row = asdict(outcome)
        for key in TEXTS:
            row[key] = row[key] and row[key].split("\n")
        row["figures"] = [figure.split("\n") for figure in outcome.figures]
        row["seconds"] = round(outcome.seconds, 3)
        data["outcomes"].append(row)
    folder.mkdir(exist_ok=True)
    path = folder / record.filename
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_records(folder: Path) -> list[Record]:
    """Read all records.

    Args:
        folder: The folder of the records; there need not be one.

    Returns:
        The records, those with more devices first, then the later ones.

    Raises:
        SnippetError: A file is no record, or one of a machine without a device.
    """
    records = []
    for path in sorted(folder.glob("*.json")):
        try:
            records.append(_parse(json.loads(path.read_text(encoding="utf-8")), path.name))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"the file is no record of a run: {type(error).__name__}: {error}"
            section = path.name.split(".")[0]
            advice = (
                f"renew it on its hardware with python -m snippets record {section}, or remove it"
            )
            raise SnippetError(
                Problem(what, advice, (f"snippets/records/{path.name}:1",))
            ) from None
    return sorted(records, key=lambda r: (len(r.machine.devices), r.date), reverse=True)


def check_record(folder: Path, record: Record, section: Section) -> list[Problem]:
    """Hold a record against the script that it says it is of.

    Args:
        folder: The folder of the records.
        record: The record, with the hash of the script as it is.
        section: The section.

    Returns:
        What such a run cannot have done: snippets that are not there or need no device, more
        devices than there were, an error that is not declared.
    """
    snippets = {snippet.name: snippet for snippet in section.snippets}
    lines = (folder / record.filename).read_text(encoding="utf-8").split("\n")
    problems = []
    for name, outcome in record.outcomes.items():
        snippet = snippets.get(name)
        if not snippet:
            what = f"the record holds {name}, and the script has no such snippet"
        elif not 0 < snippet.devices <= len(record.machine.devices):
            what = f"the record holds {name}, which needs {snippet.devices} device(s), and is of {len(record.machine.devices)}"
        elif (outcome.state == "raised") != bool(snippet.raises):
            what = f"the record says that {name} {outcome.state}, and the script declares otherwise"
        else:
            continue
        line = next((n for n, text in enumerate(lines, 1) if f'"{name}"' in text), 1)
        places = [f"snippets/records/{record.filename}:{line}"]
        places += [f"{section.place}:{snippet.line}"] if snippet else []
        advice = (
            f"renew it on its hardware with python -m snippets record {section.name}, or remove it"
        )
        problems.append(Problem(what, advice, tuple(places), name if snippet else None))
    return problems


def _parse(data: dict[str, Any], filename: str) -> Record:
    machine = Machine(**{**data["machine"], "devices": tuple(data["machine"]["devices"])})
    if not machine.devices:
        raise ValueError("it names no device")
    outcomes = {}
    for row in data["outcomes"]:
        if row["state"] not in ("ran", "raised"):
            raise ValueError(f"{row['name']} did not run")
        for key in TEXTS:
            row[key] = row[key] and "\n".join(row[key])
        row["figures"] = tuple("\n".join(lines) for lines in row["figures"])
        outcomes[row["name"]] = Outcome(**row)
        _check(outcomes[row["name"]])
    record = Record(**{**data, "machine": machine, "outcomes": outcomes})
    _check(machine)
    _check(record)
    if record.filename != filename:
        raise ValueError(f"by its content it is {record.filename}")
    return record


def _check(made: Machine | Outcome | Record) -> None:
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
