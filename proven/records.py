"""Recorded runs: what a section did on hardware that the machine of this build may not have.

A record is one JSON file for a section and a kind of hardware, with text as lists of lines, so that
a renewed record reads as a diff. It is of the files that ran: change one, and it counts no more. What
it says is held to the rules of what a section does here. Its own hash, and the commit that it names,
find what somebody changed without thinking of it; whoever wants to forge a record can.
"""

import hashlib
import json
import logging
import os
import re
import subprocess
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from proven.cells import Fault, Outcome, check_outcome
from proven.data import from_data
from proven.problems import CONTROL, Problem, ProjectError, decode, read
from proven.publish import put_file
from proven.runner import Result
from proven.scripts import Section, text_hash
from proven.settings import Settings
from proven.worker import Machine

GIT = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
log = logging.getLogger("mkdocs.plugins.proven")


@dataclass(frozen=True)
class Record:
    """A recorded run of a section."""

    section: str
    files: dict[str, str]  # the hashes of script and modules of the project, by their paths
    machine: Machine  # with at least one device
    date: str  # as `2026-11-23`
    commit: str | None  # with `+` where files differed from it; None outside of git
    outcomes: dict[str, Outcome]  # of the snippets that ran, by full name
    claims: dict[str, str]  # the hashes of those that need devices and passed, by their names

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
    root = Path(str(section.path).removesuffix(section.place))
    tests = {(root / claim.file).parent for claim in result.claims}  # each claim has its own hash
    modules = [p for p, _ in result.modules if not any(p.is_relative_to(t) for t in tests)]
    files = {
        path.relative_to(root).as_posix(): text_hash(path.read_bytes())
        for path in sorted({section.path, *modules})
    }
    return Record(section.name, files, result.machine, date, commit, outcomes, claims)


def sealed(data: dict[str, Any]) -> dict[str, Any]:
    """Give the JSON of a record the hash of its content."""
    content = {key: value for key, value in data.items() if key != "sha256"}
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return {**content, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def write_record(folder: Path, record: Record) -> Path:
    """Write a record to its file, in the place of an older one of the same hardware."""
    data = asdict(record)
    data["outcomes"] = list(data["outcomes"].values())
    for row in data["outcomes"]:
        row["output"] = row["output"].split("\n")
        for error in row["errors"]:
            error["text"] = error["text"].split("\n")
        row["figures"] = [figure.split("\n") for figure in row["figures"]]
        row["seconds"] = round(row["seconds"], 3)
    path = folder / record.filename
    text = json.dumps(sealed(data), indent=1, ensure_ascii=False)
    put_file(f"{text}\n".encode(), path)  # a record is never half there
    return path


def read_records(
    settings: Settings, sections: dict[str, Section]
) -> tuple[tuple[Record, ...], list[Problem]]:
    """Read all records of the scripts as they are now, and tell what is wrong with any file.

    Those with more devices come first, then the later ones. Those of other scripts are left out,
    and named.
    """
    records, problems = list[Record](), list[Problem]()
    for path in sorted(folder_of(settings).glob("*")):
        if path.suffix.lower() != ".json":
            continue
        place, name = path.relative_to(settings.project).as_posix(), path.name.split(".")[0]
        advice = (
            _advice(name) if name in sections else "remove it: there is no section of this name"
        )
        try:
            text = decode(read(path, place), place)
            data = json.loads(text)
            record = _parse(data)
            if record.filename != path.name:
                raise ValueError(f"by its content it is {record.filename}")
        except ProjectError as error:
            problems += error.problems
            continue
        except (ValueError, RecursionError) as error:
            what = f"the file is no record of a run: {error}"
            line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
            problems.append(Problem(what, advice, (f"{place}:{line}",)))
            continue
        section = sections.get(record.section)
        if changed := _changed(record, settings):
            log.info(
                "Record %s is stale and not shown: since then %s has changed. "
                "Renew it on its hardware: python -m proven record %s",
                place,
                changed,
                record.section,
            )
        elif section:
            record, wrong = _checked(record, section, place, text.split("\n"))
            records.append(record)
            problems += wrong
            what, key = _not_committed(record, settings.project), "commit"
            if sealed(data)["sha256"] != data.get("sha256"):
                what = "the record was changed after it was made: its hash is of another content"
                key = "sha256"
            if what:
                line = _line_of(text.split("\n"), f'"{key}"')
                problems.append(Problem(what, _advice(name), (f"{place}:{line}",)))
    records.sort(key=lambda record: (len(record.machine.devices), record.date), reverse=True)
    return tuple(records), problems


def _changed(record: Record, settings: Settings) -> str | None:
    """The first file that is not as it ran."""
    script = f"{settings.sections}/{record.section}.py"
    for name in dict.fromkeys([script, *record.files]):
        path = settings.project / name
        there = os.path.isfile(path) and ".." not in path.parts  # whatever a record calls a file
        if not there or text_hash(path.read_bytes()) != record.files.get(name):
            return name
    return None


def _not_committed(record: Record, project: Path) -> str:
    """Whether the commit that a record names, if git has it here, held other files than those that ran."""
    commit = record.commit or ""
    if not re.fullmatch("[0-9a-f]{40,64}", commit) or not git(project, "cat-file", "-t", commit):
        return ""
    for name, sha256 in record.files.items():
        data = git(project, "show", f"{commit}:./{name}")
        if data is None or text_hash(data) != sha256:
            told = f"there was no {name}" if data is None else f"{name} was another file"
            what = f"at the commit {commit[:10]} that it names, {told}"
            return f"the record is not of its run: {what}"
    return ""


def git(project: Path, *words: str) -> bytes | None:
    """What git says of a project, whatever a hook of another repository has told it; None where it fails."""
    known = {name: value for name, value in os.environ.items() if name not in GIT}
    command = ["git", "-C", str(project), *words]
    try:
        return subprocess.run(command, capture_output=True, check=True, env=known).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def _advice(section: str) -> str:
    return f"renew it on its hardware with python -m proven record {section}, or remove it"


def _checked(
    record: Record, section: Section, place: str, lines: list[str]
) -> tuple[Record, list[Problem]]:
    """Clean what a record says; find what a run of this script cannot have done, and what no page could show."""
    snippets, there = {s.name: s for s in section.snippets}, len(record.machine.devices)
    problems, clean = [], dict(record.outcomes)
    for name, outcome in record.outcomes.items():
        snippet, rules = snippets.get(name), ""
        texts = (error.text.partition(":")[0].strip() for error in outcome.errors)
        types = tuple(text.rpartition(".")[2] for text in texts)  # as `raises=` names them
        try:
            clean[name] = check_outcome(outcome)
        except Fault as fault:
            rules = fault.what
        if not snippet:
            what = f"the record holds {name}, and the script has no such snippet"
        elif (needs := snippet.devices) > there:
            what = f"the record holds {name}, which needs {needs} device(s), and is of {there}"
        elif types != snippet.raises:
            what = f"the record says that {name} {outcome.state}, and the script declares otherwise"
        elif rules:
            what = f"no page can show what the record says of {name}: {rules}"
        else:
            continue
        line = _line_of(lines, json.dumps(name))
        places = [f"{place}:{line}"] + ([f"{section.place}:{snippet.line}"] if snippet else [])
        known = name if snippet else None
        problems.append(Problem(what, _advice(section.name), tuple(places), known))
    # a record of before holds none of the snippets that need no device
    some = any(not s.devices for s in section.snippets if s.name in record.outcomes)
    for snippet in section.snippets:
        ran = snippet.devices <= there and (snippet.devices > 0 or some)
        if ran and snippet.name not in record.outcomes:
            what = f"the record lacks {snippet.name}, which ran with the others"
            places = [f"{place}:1", f"{section.place}:{snippet.line}"]
            problems.append(Problem(what, _advice(section.name), tuple(places), snippet.name))
    return replace(record, outcomes=clean), problems


def _line_of(lines: list[str], piece: str) -> int:
    return next((number for number, text in enumerate(lines, 1) if piece in text), 1)


def _parse(data: Any) -> Record:
    """Read the JSON of a record; a ValueError says what no record says, and where."""
    if isinstance(data, dict) and isinstance(data.get("outcomes"), list):
        rows = [_joined(row) for row in data["outcomes"]]
        names = [str(row.get("name") if isinstance(row, dict) else row) for row in rows]
        outcomes = dict(zip(names, rows, strict=True))
        if len(outcomes) != len(rows):
            raise ValueError("outcomes holds a snippet twice")
        data = {key: value for key, value in data.items() if key != "sha256"}
        data["outcomes"] = outcomes
    record: Record = from_data(Record, data, "the record")
    machine = record.machine
    if not machine.devices:
        raise ValueError("it names no device")
    told = [*machine.versions, *machine.versions.values(), machine.python, machine.platform]
    for text in (*told, *machine.devices, *record.outcomes, *record.claims, record.commit or ""):
        if CONTROL.search(text) or "\n" in text or not text[:200] == text:
            raise ValueError(f"{text[:40]!r} is no name")
    try:
        when = date.fromisoformat(record.date)
    except ValueError:
        raise ValueError(f"{record.date[:40]!r} is no date") from None
    if when > datetime.now(UTC).date():
        raise ValueError(f"it is of {record.date}, which is still to come")
    if any(outcome.state == "skipped" for outcome in record.outcomes.values()):
        raise ValueError("it holds a snippet that did not run")
    return record


def _joined(value: Any, key: str = "") -> Any:
    """An outcome, or a part of one, with one text in the place of the lines of each."""
    if isinstance(value, dict):
        return {name: _joined(one, name) for name, one in value.items()}
    if not isinstance(value, list):
        return value
    if key in ("output", "text", "figure") and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    return [_joined(one, key.removesuffix("s")) for one in value]
